#include "json/text.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/charset.hpp"
#include "json/byte_group.hpp"
#include "json/escape_check.hpp"

namespace ccproxy::json {
namespace {

constexpr std::uint8_t kNoDigit = 255;

constexpr std::array<std::uint8_t, 256> kHexDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::uint8_t i = 0; i < 16; ++i) {
    digits[static_cast<unsigned char>("0123456789abcdef"[i])] = i;
    digits[static_cast<unsigned char>("0123456789ABCDEF"[i])] = i;
  }
  return digits;
}();

// The four digits behind "\u"; nothing when there are fewer or others.
std::optional<std::uint32_t> hex4(std::string_view digits) {
  if (digits.size() < 4) return std::nullopt;
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint8_t digit = kHexDigits[static_cast<unsigned char>(digits[i])];
    if (digit == kNoDigit) return std::nullopt;
    code = code << 4U | digit;
  }
  return code;
}

// The low surrogate whose escape is at the front of `rest`.
std::optional<std::uint32_t> low_surrogate(std::string_view rest) {
  if (!rest.starts_with("\\u")) return std::nullopt;
  const auto code = hex4(rest.substr(2));
  return code && is_low_surrogate(*code) ? code : std::nullopt;
}

// The meaning of an escape of two characters, by its second one.
constexpr std::array<char, 256> kMeanings = [] {
  std::array<char, 256> meanings{};
  for (std::size_t c = 0; c < meanings.size(); ++c) meanings[c] = static_cast<char>(c);
  meanings['b'] = '\b';
  meanings['f'] = '\f';
  meanings['n'] = '\n';
  meanings['r'] = '\r';
  meanings['t'] = '\t';
  return meanings;
}();

char meaning_of(char letter) { return kMeanings[static_cast<unsigned char>(letter)]; }

struct Decoded {
  std::size_t consumed = 0, produced = 0;  // bytes
};

// Decodes the \uXXXX, or the pair of them, at the front of `rest`. `to` must have room for
// kMaxUtf8Bytes.
Decoded decode_code(std::string_view rest, char* to) {
  const std::uint32_t code = hex4(rest.substr(2)).value_or(kReplacementCharacter);
  if (is_high_surrogate(code)) {
    if (const auto low = low_surrogate(rest.substr(6)))
      return {12, put_utf8(to, 0x10000 + ((code - 0xD800) << 10U) + (*low - 0xDC00))};
  }
  return {6, put_utf8(to, is_high_surrogate(code) || is_low_surrogate(code) ? kReplacementCharacter
                                                                            : code)};
}

std::size_t utf8_size(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// True for one code point of Unicode white space or one of the separators that Python's strip()
// removes.
bool is_space(std::string_view point) {
  if (point.size() == 1)
    return (point[0] >= '\t' && point[0] <= '\r') || (point[0] >= '\x1c' && point[0] <= ' ');
  if (point.size() == 3 && point.starts_with("\xE2\x80")) {
    const auto last = static_cast<unsigned char>(point[2]);
    return last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF;
  }
  return point == "\xC2\x85" || point == "\xC2\xA0" || point == "\xE1\x9A\x80" ||
         point == "\xE2\x81\x9F" || point == "\xE3\x80\x80";
}

// Length of the valid UTF-8 sequence at the front of `text`, 0 when there is none (RFC 3629, 4).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0U) == 0x80U; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;  // a surrogate
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

void append_control(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(c);
  const std::array<char, 6> escape = {
      '\\', 'u', '0', '0', kDigits[code >> 4U], kDigits[code & 15U]};
  out.append(escape.data(), escape.size());
}

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c <= 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// How many bytes at the front need no escape.
std::size_t plain_run(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size()) {
    const auto c = static_cast<unsigned char>(text[size]);
    const std::size_t length = kPlain[c] ? 1 : c < 0x80 ? 0 : sequence_length(text.substr(size));
    if (length == 0) break;
    size += length;
  }
  return size;
}

// The second character of an escape of two characters, by its meaning.
constexpr std::array<char, 256> kLetters = [] {
  std::array<char, 256> letters{};
  letters['\n'] = 'n';
  letters['\r'] = 'r';
  letters['\t'] = 't';
  letters['"'] = '"';
  letters['\\'] = '\\';
  return letters;
}();

// True for the second characters.
constexpr std::array<bool, 256> kIsLetter = [] {
  std::array<bool, 256> is{};
  for (const char letter : kLetters) is[static_cast<unsigned char>(letter)] = letter != '\0';
  return is;
}();

// Escapes are dense in quoted source code: those with at most this many characters between them are
// collected in a buffer before they are appended.
constexpr std::size_t kNear = 8;

// Appends characters that need an escape of two characters, and the plain characters between them.
// Returns how many characters were consumed.
std::size_t append_short_escapes(std::string& out, std::string_view plain) {
  std::array<char, 128> buffer;  // NOLINT(*-member-init): only what is written is read
  std::size_t at = 0, size = 0;
  for (std::size_t between = 0; at < plain.size() && between < kNear; ++at) {
    const auto c = static_cast<unsigned char>(plain[at]);
    if (kLetters[c] == '\0' && !kPlain[c]) break;
    if (size + 2 > buffer.size()) out.append(buffer.data(), std::exchange(size, 0));
    between = kPlain[c] ? between + 1 : 0;
    if (!kPlain[c]) buffer[size++] = '\\';
    buffer[size++] = kPlain[c] ? plain[at] : kLetters[c];
  }
  out.append(buffer.data(), size);
  return at;
}

// The size of the escape at the front of `rest`, or of a whole surrogate pair; 0 for a lone
// surrogate.
std::size_t size_if_whole(std::string_view rest) {
  if (rest[1] != 'u') return 2;
  const bool may_be_surrogate = rest.size() > 2 && (rest[2] == 'd' || rest[2] == 'D');
  if (!may_be_surrogate) return rest.size() < 6 || !hex4(rest.substr(2)) ? 2 : 6;
  const auto code = hex4(rest.substr(2));
  if (!code) return 2;
  if (is_high_surrogate(*code) && low_surrogate(rest.substr(6))) return 12;
  return is_high_surrogate(*code) || is_low_surrogate(*code) ? 0 : 6;
}

// Finds "\ud", which may be the escape of a surrogate, or follow a backslash that is escaped.
std::size_t find_surrogate(std::string_view json, std::size_t at) {
  const auto is_one = [&] {
    return json[at] == '\\' && json[at + 1] == 'u' && (json[at + 2] | 0x20) == 'd';
  };
  for (; at + kGroup + 2 <= json.size(); at += kGroup) {
    const char* const bytes = json.data() + at;
    const std::uint32_t codes = matches(bytes, '\\') & matches(bytes + 1, 'u');
    if (codes == 0) continue;
    const std::uint32_t found = codes & (matches(bytes + 2, 'd') | matches(bytes + 2, 'D'));
    if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(found));
  }
  for (; at + 2 < json.size(); ++at)
    if (is_one()) return at;
  return std::string_view::npos;
}

// True when the backslash is escaped by another one before it.
bool is_escaped(std::string_view json, std::size_t backslash) {
  std::size_t first = backslash;
  while (first > 0 && json[first - 1] == '\\') --first;
  return (backslash - first) % 2 != 0;
}

// Decodes the escapes at the front of `rest` and the characters between them. Returns how many
// bytes were consumed, without an incomplete escape at the end.
std::size_t append_escapes(std::string& out, std::string_view rest) {
  std::array<char, 128> buffer;  // NOLINT(*-member-init): only what is written is read
  std::size_t at = 0, size = 0, between = 0;
  while (at < rest.size() && between < kNear) {
    if (size + kMaxUtf8Bytes > buffer.size()) out.append(buffer.data(), std::exchange(size, 0));
    if (rest[at] != '\\') {
      ++between;
      buffer[size++] = rest[at++];
      continue;
    }
    if (at + 1 == rest.size()) break;
    between = 0;
    if (rest[at + 1] != 'u') {
      buffer[size++] = meaning_of(rest[at + 1]);
      at += 2;
      continue;
    }
    const Decoded one = decode_code(rest.substr(at), &buffer[size]);
    size += one.produced;
    at += one.consumed;
  }
  out.append(buffer.data(), size);
  return std::min(at, rest.size());
}

}  // namespace

std::optional<JsonText> text_of(std::string_view token) {
  if (token.size() < 2 || token.front() != '"' || token.back() != '"') return std::nullopt;
  const JsonText text{token.substr(1, token.size() - 2)};
  if (checked_escapes(text.escaped).bad != std::string_view::npos) return std::nullopt;
  return text;
}

void append_decoded(std::string& out, JsonText text) {
  std::string_view rest = text.escaped;
  out.reserve(out.size() + rest.size());  // decoded text is never longer
  while (true) {
    const auto plain = rest.find('\\');
    out += rest.substr(0, plain);
    if (plain == std::string_view::npos || plain + 1 >= rest.size()) return;
    rest.remove_prefix(plain);
    rest.remove_prefix(append_escapes(out, rest));
  }
}

std::size_t find_lone_surrogate(std::string_view json, std::size_t at) {
  for (at = find_surrogate(json, at); at != std::string_view::npos;) {
    const std::size_t size = is_escaped(json, at) ? 1 : size_if_whole(json.substr(at));
    if (size == 0) return at;
    at = find_surrogate(json, at + size);
  }
  return at;
}

void replace_lone_surrogates(std::string& json) {
  constexpr std::string_view kEscape = "\\ufffd";
  for (auto at = find_lone_surrogate(json); at != std::string::npos;
       at = find_lone_surrogate(json, at))
    std::copy(kEscape.begin(), kEscape.end(), json.begin() + static_cast<std::ptrdiff_t>(at));
}

void append_escaped(std::string& out, std::string_view plain) {
  out.reserve(out.size() + plain.size());  // escaped text is never shorter
  while (true) {
    const std::size_t run = plain_run(plain);
    out += plain.substr(0, run);
    plain.remove_prefix(run);
    if (plain.empty()) return;
    plain.remove_prefix(append_short_escapes(out, plain));
    if (plain.empty()) return;
    const char c = plain.front();
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain[byte] || kLetters[byte] != '\0') continue;
    if (byte < 0x20) {
      append_control(out, c);
    } else if (sequence_length(plain) == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      continue;
    }
    plain.remove_prefix(1);
  }
}

bool is_plainly_escaped(JsonText text) {
  const std::string_view all = text.escaped;
  for (std::size_t at = 0; at < all.size(); ++at)
    if (all[at] == '\\' && !kIsLetter[static_cast<unsigned char>(all[++at])]) return false;
  return true;
}

bool is_blank(JsonText text) {
  std::string_view rest = text.escaped;
  std::array<char, kMaxUtf8Bytes> buffer{};
  while (!rest.empty()) {
    if (rest[0] == ' ') {
      rest.remove_prefix(1);
      continue;
    }
    std::size_t size = utf8_size(rest[0]);
    std::string_view point = rest.substr(0, size);
    if (rest[0] == '\\') {
      buffer[0] = meaning_of(rest[1]);
      const Decoded one = rest[1] == 'u' ? decode_code(rest, buffer.data()) : Decoded{2, 1};
      size = one.consumed;
      point = {buffer.data(), one.produced};
    }
    if (!is_space(point)) return false;
    rest.remove_prefix(std::min(size, rest.size()));
  }
  return true;
}

void append_compact(std::string& out, std::string_view json) {
  bool is_string = false;
  std::size_t begin = 0;  // of the run that is appended next
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '"') {
      is_string = !is_string;
    } else if (is_string) {
      if (c == '\\') ++at;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      out += json.substr(begin, at - begin);
      begin = at + 1;
    }
  }
  out += json.substr(std::min(begin, json.size()));
}

bool is_utf8(std::string_view bytes) { return simdjson::validate_utf8(bytes.data(), bytes.size()); }

std::size_t code_points(JsonText text) {
  const std::string_view rest = text.escaped;
  std::size_t count = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if ((static_cast<unsigned char>(rest[i]) & 0xC0U) == 0x80U) continue;
    ++count;
    if (rest[i] != '\\') continue;
    std::string_view escape = rest.substr(i);
    if (!escape.starts_with("\\u")) {
      ++i;
      continue;
    }
    const auto code = hex4(escape.substr(2));
    i += 5;
    if (code && is_high_surrogate(*code) && escape.size() > 6 && low_surrogate(escape.substr(6)))
      i += 6;
  }
  return count;
}

}  // namespace ccproxy::json
