// What the simulated authorization server has granted: codes that wait to be redeemed, and families
// of tokens that rotate. It is told the time. It refuses to know HTTP and JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace ccproxy::mock {

// What a person agreed to; whoever redeems the code must fit it.
struct Consent {
  std::string client_id, redirect_uri, scope, state;
  std::string challenge;  // base64url(SHA-256(verifier)), RFC 7636
};

// What comes with a code.
struct Redemption {
  std::string code, client_id, redirect_uri, state, verifier;
};

struct Tokens {
  std::string access;
  std::string refresh;  // "": the old one stays, or there is none
  std::string scope;
};

// How tokens are given out just now.
struct Terms {
  std::chrono::seconds lifetime{28'800};  // of an access token
  bool omits_refresh_token = false;       // then nothing rotates
};

class Grants {
 public:
  // A code for these terms, good once and for ten minutes.
  [[nodiscard]] std::string allow(Consent consent, Clock::time_point now);

  // Both fail with kInvalidRequest and the code invalid_grant. Every try spends its code. A refresh
  // token that was spent before ends its whole family.
  [[nodiscard]] Result<Tokens> redeem(const Redemption& given, const Terms& terms,
                                      Clock::time_point now);
  [[nodiscard]] Result<Tokens> renew(std::string_view refresh_token, std::string_view client_id,
                                     const Terms& terms, Clock::time_point now);

  // Whether an access token was given out and is neither expired nor revoked.
  [[nodiscard]] bool is_good(std::string_view access, Clock::time_point now) const;

  void expire_all();  // access tokens only
  void revoke_all();

  // All tokens that come from one code, one after another.
  struct Family {
    std::string client_id, scope;
    std::string refresh{};          // the one that is good now; "" when there is none
    std::set<std::string> spent{};  // those before it
    std::map<std::string, Clock::time_point, std::less<>> access{};  // when each expires
    bool revoked = false;
    std::uint64_t rotations = 0;
  };
  [[nodiscard]] const std::deque<Family>& families() const { return families_; }  // oldest first
  [[nodiscard]] std::uint64_t reused() const { return reused_; }

 private:
  struct Waiting {
    Consent consent;
    Clock::time_point until;
  };
  [[nodiscard]] static Tokens give(Family& family, const Terms& terms, Clock::time_point now);

  std::map<std::string, Waiting, std::less<>> codes_;
  std::deque<Family> families_;
  std::uint64_t reused_ = 0;
};

}  // namespace ccproxy::mock
