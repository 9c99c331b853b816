// Text in the encodings that files still come in, as UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ccproxy {

inline constexpr std::size_t kLongestUtf8 = 4;  // of one code point

// Writes one code point to where there is room for the longest; returns how many bytes it takes.
std::size_t put_utf8(char* to, std::uint32_t code);

// Appends one code point.
void append_utf8(std::string& out, std::uint32_t code);

enum class ByteOrder { kLittle, kBig };

// What is no UTF-16 (half a surrogate pair, half a unit at the end) becomes U+FFFD.
[[nodiscard]] std::string utf8_of_utf16(std::string_view bytes, ByteOrder order);

// Windows-1252, which is ISO 8859-1 where both have a character.
[[nodiscard]] std::string utf8_of_latin1(std::string_view bytes);

}  // namespace ccproxy
