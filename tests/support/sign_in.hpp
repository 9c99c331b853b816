// A person's sign-in at the mock's authorization server, without the program: authorize, redeem,
// and what `ccproxy login` would keep of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "json/document.hpp"
#include "support/raw_client.hpp"

namespace ccproxy::test {

using json::Document;

// An answer of the mock's, which must be 200. `target` is path and query.
[[nodiscard]] Document mock_json(std::uint16_t port, const std::string& method,
                                 const std::string& target, const Document& body = nullptr);

// Settings of its authorization server (docs/mock.md).
void set_oauth(std::uint16_t mock_port, const Document& settings);
// Its settings and counters.
[[nodiscard]] Document oauth(std::uint16_t mock_port);

// Signs in: the content of an auth.json whose access token expires after `left` (which can be
// negative), whatever its server says.
[[nodiscard]] Document sign_in(std::uint16_t mock_port, std::chrono::milliseconds left);

// config.json that signs in at `{mock}`.
inline constexpr const char* kOauthConfig =
    R"({"oauth":{"authorizeUrl":"{mock}/oauth/authorize","tokenUrl":"{mock}/v1/oauth/token",)"
    R"("manualRedirect":"{mock}/oauth/code/callback"}})";

}  // namespace ccproxy::test
