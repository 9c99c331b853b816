#include "telemetry/outside_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <utility>

namespace ccproxy::telemetry {
namespace {

constexpr std::string_view kCut = "...";

// One character, or one byte that is not UTF-8.
struct Character {
  std::string_view bytes;
  std::uint32_t code = 0;
  bool is_utf8 = true;
};

// Decodes the first character of a non-empty text, strictly: no surrogates, no overlong forms.
Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const Character wrong{text.substr(0, 1), byte(0), false};
  if (byte(0) < 0x80) return {text.substr(0, 1), byte(0)};
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < size) return wrong;
  std::uint32_t code = byte(0) & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return wrong;
    code = code << 6U | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[size] || code > 0x10ffff || is_surrogate) return wrong;
  return {text.substr(0, size), code};
}

// Whether the character must not reach a terminal or an editor: it moves the cursor, or changes the
// direction of the text around it.
bool is_obeyed(std::uint32_t code) {
  constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 8> kRanges = {{{0x00, 0x1f},
                                                                               {0x7f, 0x9f},
                                                                               {0x61c, 0x61c},
                                                                               {0x200e, 0x200f},
                                                                               {0x2028, 0x202e},
                                                                               {0x2066, 0x2069},
                                                                               {0xfeff, 0xfeff},
                                                                               {0xfff9, 0xfffb}}};
  return std::any_of(kRanges.begin(), kRanges.end(), [code](const auto& range) {
    return code >= range.first && code <= range.second;
  });
}

void append_character(std::string& out, const Character& character, bool quoted) {
  const auto into = std::back_inserter(out);
  if (!character.is_utf8) {
    fmt::format_to(into, "{}\\x{:02x}", quoted ? "\\" : "", character.code);
  } else if (character.code == '\n') {
    out += "\\n";
  } else if (character.code == '\r') {
    out += "\\r";
  } else if (character.code == '\t') {
    out += "\\t";
  } else if (is_obeyed(character.code)) {
    fmt::format_to(into, "\\u{:04x}", character.code);
  } else {
    if (quoted && (character.code == '"' || character.code == '\\')) out += '\\';
    out += character.bytes;
  }
}

}  // namespace

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; });
}

void append_shown(std::string& out, std::string_view text, Bound bound, bool quoted) {
  if (text.size() <= std::min(bound.text, bound.word) && is_plain(text)) {
    out += text;
    return;
  }
  std::size_t in_text = 0, in_word = 0;
  while (!text.empty()) {
    if (++in_text > bound.text) {
      out += kCut;
      return;
    }
    const Character character = first_of(text);
    text.remove_prefix(character.bytes.size());
    const bool is_between = character.code == ' ' || character.code == ',';
    in_word = is_between ? 0 : in_word + 1;
    if (in_word == bound.word + 1) out += kCut;
    if (in_word <= bound.word) append_character(out, character, quoted);
  }
}

}  // namespace ccproxy::telemetry
