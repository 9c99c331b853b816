// Cryptographic digests, by OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace ccproxy {

// The SHA-256 digest of `bytes`: 32 bytes, not text.
[[nodiscard]] std::string sha256(std::string_view bytes);

}  // namespace ccproxy
