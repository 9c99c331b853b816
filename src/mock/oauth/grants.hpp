// What the simulated authorization server has granted: codes that were not exchanged yet, and
// families of tokens that rotate. The caller passes the time. It refuses to know HTTP and JSON.
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

// What the user agreed to. The request that exchanges the code must match it.
struct Consent {
  std::string client_id, redirect_uri, scope, state;
  std::string challenge;  // base64url(SHA-256(verifier)), RFC 7636
};

// The parameters of a request that exchanges a code for tokens.
struct CodeExchange {
  std::string code, client_id, redirect_uri, state, verifier;
};

struct Tokens {
  std::string access;
  std::string refresh;  // "" when the previous one stays valid, or there is none
  std::string scope;
};

// How tokens are issued at the moment.
struct TokenPolicy {
  std::chrono::seconds lifetime{28'800};  // of an access token
  bool omits_refresh_token = false;       // true: refresh tokens do not rotate
};

class Grants {
 public:
  // Returns a code for this consent. It is valid once, for ten minutes.
  [[nodiscard]] std::string issue_code(Consent consent, Clock::time_point now);

  // Both fail with kInvalidRequest and the code invalid_grant. Every attempt spends its code. Using
  // a refresh token for the second time revokes its whole family.
  [[nodiscard]] Result<Tokens> exchange_code(const CodeExchange& exchange,
                                             const TokenPolicy& policy, Clock::time_point now);
  [[nodiscard]] Result<Tokens> refresh(std::string_view refresh_token, std::string_view client_id,
                                       const TokenPolicy& policy, Clock::time_point now);

  // Returns true when the access token was issued and is neither expired nor revoked.
  [[nodiscard]] bool is_valid(std::string_view access, Clock::time_point now) const;

  void expire_all();  // access tokens only
  void revoke_all();

  // All tokens that were issued for one code, one after another.
  struct Family {
    std::string client_id, scope;
    std::string refresh{};          // the valid one; "" when there is none
    std::set<std::string> spent{};  // those before it
    std::map<std::string, Clock::time_point, std::less<>> access{};  // by token, when it expires
    bool revoked = false;
    std::uint64_t rotations = 0;
  };
  [[nodiscard]] const std::deque<Family>& families() const { return families_; }  // oldest first
  [[nodiscard]] std::uint64_t reused() const { return reused_; }

 private:
  struct PendingCode {
    Consent consent;
    Clock::time_point until;
  };
  [[nodiscard]] static Tokens issue_tokens(Family& family, const TokenPolicy& policy,
                                           Clock::time_point now);

  std::map<std::string, PendingCode, std::less<>> codes_;
  std::deque<Family> families_;
  std::uint64_t reused_ = 0;
};

}  // namespace ccproxy::mock
