#include "json/text.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>

#include "base/charset.hpp"

namespace ccproxy::json {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

// The four digits behind "\u"; nothing when there are fewer or others.
std::optional<std::uint32_t> hex4(std::string_view digits) {
  if (digits.size() < 4) return std::nullopt;
  std::uint32_t code = 0;
  const char* const end = digits.data() + 4;
  const auto [at, error] = std::from_chars(digits.data(), end, code, 16);
  if (error != std::errc{} || at != end) return std::nullopt;
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

// Decodes the escape that `rest` begins with; returns how many bytes it takes.
std::size_t append_escape(std::string& out, std::string_view rest) {
  switch (rest[1]) {
    case 'b': out += '\b'; return 2;
    case 'f': out += '\f'; return 2;
    case 'n': out += '\n'; return 2;
    case 'r': out += '\r'; return 2;
    case 't': out += '\t'; return 2;
    case 'u': break;
    default: out += rest[1]; return 2;
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
  switch (c) {
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
  }
}

// How many bytes at the front stand for themselves.
std::size_t plain_run(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size()) {
    const auto c = static_cast<unsigned char>(text[size]);
    if (c < 0x20 || c > 0x7f || c == '"' || c == '\\') break;
    ++size;
  }
  return size;
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
    rest.remove_prefix(std::min(append_escape(out, rest), rest.size()));
  }
}

std::size_t find_half(std::string_view json, std::size_t at) {
  while ((at = json.find('\\', at)) != std::string_view::npos) {
    const std::string_view rest = json.substr(at);
    const auto code = rest.starts_with("\\u") ? hex4(rest.substr(2)) : std::nullopt;
    const bool is_pair = code && is_high(*code) && low_half(rest.substr(6));
    if (code && !is_pair && (is_high(*code) || is_low(*code))) return at;
    at += is_pair ? 12 : code ? 6 : 2;
  }
  return at;
}

void mend_halves(std::string& json) {
  constexpr std::string_view kMended = "\\ufffd";
  for (auto at = find_half(json); at != std::string::npos; at = find_half(json, at))
    json.replace(at, kMended.size(), kMended);
}

void append_escaped(std::string& out, std::string_view plain) {
  while (true) {
    const std::size_t run = plain_run(plain);
    out += plain.substr(0, run);
    plain.remove_prefix(run);
    if (plain.empty()) return;
    const char c = plain.front();
    std::size_t taken = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
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
  bool is_string = false, is_escaped = false;
  for (const char c : json) {
    if (!is_string && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) continue;
    out += c;
    if (c == '"' && !is_escaped) is_string = !is_string;
    is_escaped = is_string && c == '\\' && !is_escaped;
  }
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
