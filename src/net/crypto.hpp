// Random bytes and the comparison of secrets, by OpenSSL.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccproxy::net {

// Random bytes from the system's generator, as lower-case hexadecimal: 2 * `bytes` characters.
[[nodiscard]] std::string random_hex(std::size_t bytes);

// The same as plain bytes.
[[nodiscard]] std::string random_bytes(std::size_t count);

// Compares in constant time: it depends neither on the length of `secret` nor on where they differ.
[[nodiscard]] bool same_secret(std::string_view given, std::string_view secret);

}  // namespace ccproxy::net
