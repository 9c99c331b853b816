// The few cryptographic things this program does itself. OpenSSL underneath.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccproxy::net {

// `bytes` random bytes from the system's generator, as lower-case hex (twice as many characters).
[[nodiscard]] std::string random_hex(std::size_t bytes);

// The same as they are.
[[nodiscard]] std::string random_bytes(std::size_t count);

// Equality in a time that depends on neither where the two differ nor on how long `secret` is.
[[nodiscard]] bool same_secret(std::string_view given, std::string_view secret);

}  // namespace ccproxy::net
