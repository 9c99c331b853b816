// Converts text to UTF-8 from the other encodings that files still have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ccproxy {

inline constexpr std::size_t kMaxUtf8Bytes = 4;                 // of one code point
inline constexpr std::uint32_t kReplacementCharacter = 0xFFFD;  // for what is not valid

// The first and the second unit of a UTF-16 pair.
constexpr bool is_high_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
constexpr bool is_low_surrogate(std::uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// Writes one code point to `to`, which must have room for kMaxUtf8Bytes. Returns the number of
// bytes written.
std::size_t put_utf8(char* to, std::uint32_t code);

// Appends one code point.
void append_utf8(std::string& out, std::uint32_t code);

enum class ByteOrder { kLittle, kBig };

// Invalid UTF-16 (a lone surrogate, an odd byte at the end) becomes U+FFFD.
[[nodiscard]] std::string utf8_of_utf16(std::string_view bytes, ByteOrder order);

// Reads Windows-1252, which agrees with ISO 8859-1 except for its control characters: browsers read
// both in this way.
[[nodiscard]] std::string utf8_of_latin1(std::string_view bytes);

}  // namespace ccproxy
