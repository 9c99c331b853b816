// Signs in at the mock's authorization server without `ccproxy login`: authorizes, exchanges the
// code, and returns what the program would store.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "json/document.hpp"
#include "support/raw_client.hpp"

namespace ccproxy::test {

using json::Document;

// Sends a request to the mock, which must reply with 200. `target` is path and query.
[[nodiscard]] Document mock_json(std::uint16_t port, const std::string& method,
                                 const std::string& target, const Document& body = nullptr);

// Changes settings of the authorization server (docs/mock.md).
void set_oauth(std::uint16_t mock_port, const Document& settings);
// Returns its settings and counters.
[[nodiscard]] Document oauth(std::uint16_t mock_port);

// Signs in and returns the content of an auth.json. Its access token counts as expired after
// `left`, which may be negative, whatever expires_in the server sent.
[[nodiscard]] Document sign_in(std::uint16_t mock_port, std::chrono::milliseconds left);

// The config.json whose authorization server is `{mock}`.
inline constexpr const char* kOauthConfig =
    R"({"oauth":{"authorizeUrl":"{mock}/oauth/authorize","tokenUrl":"{mock}/v1/oauth/token",)"
    R"("manualRedirect":"{mock}/oauth/code/callback"}})";

}  // namespace ccproxy::test
