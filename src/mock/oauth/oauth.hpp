// The simulated API's authorization server (RFC 6749 and 7636, with this provider's JSON bodies):
// a person's consent, codes for tokens, tokens for fresher tokens; and the controls of a test.
// Scripts and faults have had their turn before it is asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json/document.hpp"
#include "mock/incoming.hpp"
#include "mock/oauth/grants.hpp"
#include "mock/reply.hpp"

namespace ccproxy::mock {

class Oauth {
 public:
  // Its routes need neither a credential nor a version.
  [[nodiscard]] static bool has_route(std::string_view path);

  [[nodiscard]] Reply reply(const Incoming& request);

  // Keeps a token request for GET /mock/oauth, whoever answers it.
  void note(const Incoming& request);

  // How long the server does nothing about a request that has come.
  [[nodiscard]] Milliseconds wait_before(std::string_view path) const;

  // False for a token of the kind given out here that is not good, once that is looked at.
  [[nodiscard]] bool accepts(std::string_view token) const;

  // What /mock/oauth and the paths below it answer; nothing for what is no control.
  [[nodiscard]] std::optional<Reply> control(std::string_view method, std::string_view path,
                                             std::string_view body);

 private:
  struct Settings {
    Terms terms{};
    bool check_tokens = false;
    bool omit_account = false;
    Milliseconds delay{0};         // the work is done at once, the answer comes later
    Milliseconds delay_before{0};  // the work is done later
  };

  [[nodiscard]] Reply authorize(const Incoming& request);
  [[nodiscard]] Reply token(const Incoming& request);
  [[nodiscard]] Result<Tokens> grant(const json::Document& asked);
  [[nodiscard]] Result<Tokens> redeem(const json::Document& asked);
  [[nodiscard]] Result<Tokens> renew(const json::Document& asked);
  [[nodiscard]] std::string answer_of(const Tokens& tokens) const;
  [[nodiscard]] Result<void> change_settings(std::string_view body);
  [[nodiscard]] std::string status() const;

  Settings settings_;
  Grants grants_;
  std::uint64_t authorized_ = 0, exchanged_ = 0, refreshed_ = 0, refused_ = 0;
  json::Document last_request_ = nullptr;
};

}  // namespace ccproxy::mock
