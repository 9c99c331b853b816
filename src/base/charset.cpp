#include "base/charset.hpp"

#include <array>

namespace ccproxy {
namespace {

// The code points of Windows-1252 for 0x80 to 0x9F, where ISO 8859-1 has control characters. Five
// of the bytes are not assigned and keep their value.
constexpr std::array<std::uint16_t, 32> kWindows1252 = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

}  // namespace

std::size_t put_utf8(char* to, std::uint32_t code) {
  if (code < 0x80) {
    *to = static_cast<char>(code);
    return 1;
  }
  constexpr std::array<unsigned, kMaxUtf8Bytes + 1> kFirstByte = {0, 0, 0xC0, 0xE0, 0xF0};
  const std::size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (std::size_t i = size; i-- > 1; code >>= 6U)
    to[i] = static_cast<char>(0x80U | (code & 0x3FU));
  to[0] = static_cast<char>(kFirstByte[size] | code);
  return size;
}

void append_utf8(std::string& out, std::uint32_t code) {
  std::array<char, kMaxUtf8Bytes> bytes{};
  out.append(bytes.data(), put_utf8(bytes.data(), code));
}

std::string utf8_of_utf16(std::string_view bytes, ByteOrder order) {
  const auto unit = [&](std::size_t at) -> std::uint32_t {
    const std::uint32_t first = static_cast<unsigned char>(bytes[at]);
    const std::uint32_t second = static_cast<unsigned char>(bytes[at + 1]);
    return order == ByteOrder::kBig ? first << 8U | second : second << 8U | first;
  };
  std::string text;
  text.reserve(bytes.size());
  std::size_t at = 0;
  for (; at + 1 < bytes.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (is_high_surrogate(code) && at + 3 < bytes.size() && is_low_surrogate(unit(at + 2))) {
      code = 0x10000 + ((code - 0xD800) << 10U) + (unit(at + 2) - 0xDC00);
      at += 2;
    }
    append_utf8(text,
                is_high_surrogate(code) || is_low_surrogate(code) ? kReplacementCharacter : code);
  }
  if (at < bytes.size()) append_utf8(text, kReplacementCharacter);
  return text;
}

std::string utf8_of_latin1(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 4);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    append_utf8(text, byte >= 0x80 && byte < 0xA0 ? kWindows1252[byte - 0x80U] : byte);
  }
  return text;
}

}  // namespace ccproxy
