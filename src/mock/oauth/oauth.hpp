// The authorization server of the simulated API (RFC 6749 and 7636, with this provider's JSON
// bodies): it asks for consent, exchanges codes and refresh tokens for tokens, and serves the
// controls of a test. The caller applies scripts and faults before it calls reply().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json/document.hpp"
#include "mock/http_request.hpp"
#include "mock/oauth/grants.hpp"
#include "mock/reply.hpp"

namespace ccproxy::mock {

class Oauth {
 public:
  // Returns true for routes that need neither a credential nor a version.
  [[nodiscard]] static bool has_route(std::string_view path);

  [[nodiscard]] Reply reply(const HttpRequest& request);

  // Stores a token request for GET /mock/oauth, also one that a script or a fault replies to.
  void record_request(const HttpRequest& request);

  // Returns how long the server must wait before it works on a request to `path`.
  [[nodiscard]] Milliseconds delay_before_request(std::string_view path) const;

  // Returns false for an access token of the kind issued here that is not valid, once the setting
  // check_tokens is on.
  [[nodiscard]] bool accepts_token(std::string_view token) const;

  // Serves /mock/oauth and the paths below it; nullopt when there is no such control.
  [[nodiscard]] std::optional<Reply> control(std::string_view method, std::string_view path,
                                             std::string_view body);

 private:
  struct Settings {
    TokenPolicy policy{};
    bool check_tokens = false;
    bool omit_account = false;
    Milliseconds delay{0};         // between the work and the reply
    Milliseconds delay_before{0};  // before the work
  };

  [[nodiscard]] Reply authorize(const HttpRequest& request);
  [[nodiscard]] Reply token(const HttpRequest& request);
  [[nodiscard]] Result<Tokens> grant(const json::Document& body);
  [[nodiscard]] Result<Tokens> exchange_code(const json::Document& body);
  [[nodiscard]] Result<Tokens> refresh(const json::Document& body);
  [[nodiscard]] std::string token_response(const Tokens& tokens) const;
  [[nodiscard]] Result<void> change_settings(std::string_view body);
  [[nodiscard]] std::string status() const;

  Settings settings_;
  Grants grants_;
  std::uint64_t authorized_ = 0, exchanged_ = 0, refreshed_ = 0, refused_ = 0;
  json::Document last_request_ = nullptr;
};

}  // namespace ccproxy::mock
