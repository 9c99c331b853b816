#include "json/text.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/charset.hpp"

namespace ccproxy::json {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

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

bool is_high(std::uint32_t code) { return code >= 0xD800 && code <= 0xDBFF; }
bool is_low(std::uint32_t code) { return code >= 0xDC00 && code <= 0xDFFF; }

// The second half of a pair at the front of `rest`, backslash included.
std::optional<std::uint32_t> low_half(std::string_view rest) {
  if (!rest.starts_with("\\u")) return std::nullopt;
  const auto code = hex4(rest.substr(2));
  return code && is_low(*code) ? code : std::nullopt;
}

// What an escape of two characters means.
char meaning_of(char letter) {
  switch (letter) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return letter;
  }
}

// Decodes the escape that `rest` begins with; returns how many bytes it takes.
std::size_t append_escape(std::string& out, std::string_view rest) {
  if (rest[1] != 'u') {
    out += meaning_of(rest[1]);
    return 2;
  }
  const std::uint32_t code = hex4(rest.substr(2)).value_or(kReplacement);
  if (is_high(code)) {
    if (const auto low = low_half(rest.substr(6))) {
      append_utf8(out, 0x10000 + ((code - 0xD800) << 10U) + (*low - 0xDC00));
      return 12;
    }
  }
  append_utf8(out, is_high(code) || is_low(code) ? kReplacement : code);
  return 6;
}

std::size_t utf8_size(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// One code point of Unicode's white space, or one of the separators that strip() of Python takes.
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
  const std::array<char, 6> told = {'\\', 'u', '0', '0', kDigits[code >> 4U], kDigits[code & 15U]};
  out.append(told.data(), told.size());
}

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c <= 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// How many bytes at the front stand for themselves.
std::size_t plain_run(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && kPlain[static_cast<unsigned char>(text[size])]) ++size;
  return size;
}

// What stands behind the backslash of an escape of two characters, by what it means.
constexpr std::array<char, 256> kLetters = [] {
  std::array<char, 256> letters{};
  letters['\n'] = 'n';
  letters['\r'] = 'r';
  letters['\t'] = 't';
  letters['"'] = '"';
  letters['\\'] = '\\';
  return letters;
}();

// Escapes stand near to each other in source code that was quoted: with this many characters
// between at most, they are put together before they are appended.
constexpr std::size_t kNear = 8;

// What needs two characters, with what stands for itself between.
void append_short_escapes(std::string& out, std::string_view& plain) {
  std::array<char, 128> told;  // NOLINT(*-member-init): only what is written is read
  std::size_t size = 0;
  for (std::size_t between = 0; !plain.empty() && between < kNear; plain.remove_prefix(1)) {
    const auto c = static_cast<unsigned char>(plain.front());
    if (kLetters[c] == '\0' && !kPlain[c]) break;
    if (size + 2 > told.size()) out.append(told.data(), std::exchange(size, 0));
    between = kPlain[c] ? between + 1 : 0;
    if (!kPlain[c]) told[size++] = '\\';
    told[size++] = kPlain[c] ? plain.front() : kLetters[c];
  }
  out.append(told.data(), size);
}

// The size of the escape that `rest` begins with, of a pair both together; 0 for half a pair.
std::size_t size_if_whole(std::string_view rest) {
  if (rest[1] != 'u') return 2;
  const bool may_be_half = rest.size() > 2 && (rest[2] == 'd' || rest[2] == 'D');
  if (!may_be_half) return rest.size() < 6 || !hex4(rest.substr(2)) ? 2 : 6;
  const auto code = hex4(rest.substr(2));
  if (!code) return 2;
  if (is_high(*code) && low_half(rest.substr(6))) return 12;
  return is_high(*code) || is_low(*code) ? 0 : 6;
}

// Decodes the escapes that `rest` begins with, and what stands between them, and steps over both.
// Half an escape at the end is left.
void append_escapes(std::string& out, std::string_view& rest) {
  std::array<char, 128> told;  // NOLINT(*-member-init): only what is written is read
  std::size_t size = 0, between = 0;
  while (!rest.empty() && between < kNear) {
    const bool is_escape = rest[0] == '\\';
    if (is_escape && rest.size() == 1) break;
    if (size == told.size() || (is_escape && rest[1] == 'u'))
      out.append(told.data(), std::exchange(size, 0));
    between = is_escape ? 0 : between + 1;
    if (is_escape && rest[1] == 'u') {
      rest.remove_prefix(std::min(append_escape(out, rest), rest.size()));
      continue;
    }
    told[size++] = is_escape ? meaning_of(rest[1]) : rest[0];
    rest.remove_prefix(is_escape ? 2 : 1);
  }
  out.append(told.data(), size);
}

}  // namespace

std::optional<JsonText> text_of(std::string_view token) {
  if (token.size() < 2 || token.front() != '"' || token.back() != '"') return std::nullopt;
  const JsonText text{token.substr(1, token.size() - 2)};
  std::string_view rest = text.escaped;
  for (auto at = rest.find('\\'); at != std::string_view::npos; at = rest.find('\\')) {
    rest.remove_prefix(at + 1);
    if (rest.empty()) return std::nullopt;
    const bool is_known = std::string_view("\"\\/bfnrtu").find(rest[0]) != std::string_view::npos;
    if (!is_known || (rest[0] == 'u' && !hex4(rest.substr(1)))) return std::nullopt;
    rest.remove_prefix(1);
  }
  return text;
}

void append_decoded(std::string& out, JsonText text) {
  std::string_view rest = text.escaped;
  while (true) {
    const auto plain = rest.find('\\');
    out += rest.substr(0, plain);
    if (plain == std::string_view::npos || plain + 1 >= rest.size()) return;
    rest.remove_prefix(plain);
    append_escapes(out, rest);
  }
}

std::size_t find_half(std::string_view json, std::size_t at) {
  while ((at = json.find('\\', at)) != std::string_view::npos) {
    for (std::size_t between = 0; at + 1 < json.size() && between < kNear;) {
      if (json[at] != '\\') {
        ++between;
        ++at;
        continue;
      }
      between = 0;
      const std::size_t size = size_if_whole(json.substr(at));
      if (size == 0) return at;
      at += size;
    }
    if (at + 1 >= json.size()) return std::string_view::npos;
  }
  return at;
}

void mend_halves(std::string& json) {
  constexpr std::string_view kMended = "\\ufffd";
  for (auto at = find_half(json); at != std::string::npos; at = find_half(json, at))
    std::copy(kMended.begin(), kMended.end(), json.begin() + static_cast<std::ptrdiff_t>(at));
}

void append_escaped(std::string& out, std::string_view plain) {
  while (true) {
    const std::size_t run = plain_run(plain);
    out += plain.substr(0, run);
    plain.remove_prefix(run);
    if (plain.empty()) return;
    append_short_escapes(out, plain);
    if (plain.empty()) return;
    const char c = plain.front();
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain[byte] || kLetters[byte] != '\0') continue;
    std::size_t taken = 1;
    if (byte < 0x20) {
      append_control(out, c);
    } else if (taken = sequence_length(plain); taken != 0) {
      out += plain.substr(0, taken);
    } else {
      out += "\xEF\xBF\xBD";
      taken = 1;
    }
    plain.remove_prefix(taken);
  }
}

bool is_blank(JsonText text) {
  std::string_view rest = text.escaped;
  std::string point;
  while (!rest.empty()) {
    if (rest[0] == ' ') {
      rest.remove_prefix(1);
      continue;
    }
    point.clear();
    std::size_t size = utf8_size(rest[0]);
    if (rest[0] == '\\') {
      size = append_escape(point, rest);
    } else {
      point = rest.substr(0, size);
    }
    if (!is_space(point)) return false;
    rest.remove_prefix(std::min(size, rest.size()));
  }
  return true;
}

void append_compact(std::string& out, std::string_view json) {
  bool is_string = false;
  std::size_t begin = 0;  // of what is to be appended
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
    if (code && is_high(*code) && escape.size() > 6 && low_half(escape.substr(6))) i += 6;
  }
  return count;
}

}  // namespace ccproxy::json
