// The simulated authorization server: OAuth 2.0 with PKCE, as the real one has it. Codes and
// refresh tokens are single-use, and a refresh token that is used a second time ends the whole
// sign-in. It refuses to know sockets and messages.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/head.hpp"
#include "json/document.hpp"
#include "mock/reply.hpp"

namespace ccproxy::mock {

class OAuth {
 public:
  // True for its pages and its token endpoint.
  [[nodiscard]] static bool owns(std::string_view path);
  [[nodiscard]] Reply reply(const http::RequestHead& head, const std::string& body);

  // /mock/oauth and below (docs/mock.md).
  [[nodiscard]] Reply control(std::string_view method, std::string_view path,
                              const std::string& body);

  // True when `token` was issued here, or says so, and is not good any more, while that is looked
  // at
  // (`check_tokens`).
  [[nodiscard]] bool refuses(std::string_view token) const;

 private:
  struct Code {  // what was authorized
    std::string client_id, redirect_uri, challenge, state, scope;
    Clock::time_point until{};
  };
  struct Family {  // one sign-in
    bool revoked = false;
    std::int64_t rotations = 0;
    std::string scope{};
    std::string refresh{};  // the one that is still good
  };
  struct Access {
    std::size_t family;
    Clock::time_point until;
  };
  struct Settings {
    std::int64_t expires_in = 28'800;  // seconds
    bool check_tokens = false;
    std::int64_t token_delay_ms = 0;  // the work is done at once, the answer comes later
    bool omit_refresh_token = false;
    bool omit_account = false;
  };
  struct Counters {
    std::int64_t authorized = 0, exchanged = 0, refreshed = 0, refused = 0, reused = 0;
  };

  [[nodiscard]] Reply authorize(std::string_view query);
  [[nodiscard]] Reply token(const http::RequestHead& head, const std::string& body);
  [[nodiscard]] Reply exchange(const json::Document& asked);
  [[nodiscard]] Reply refresh(const json::Document& asked);
  [[nodiscard]] Reply grant(std::size_t family);
  [[nodiscard]] Reply refuse(const char* code, const char* description);
  [[nodiscard]] Reply set(const std::string& body);
  [[nodiscard]] json::Document shown() const;

  Settings settings_;
  Counters counters_;
  std::map<std::string, Code> codes_;
  std::vector<Family> families_;
  std::map<std::string, std::size_t> refresh_tokens_;  // all there ever were, to their family
  std::map<std::string, Access, std::less<>> access_tokens_;
};

}  // namespace ccproxy::mock
