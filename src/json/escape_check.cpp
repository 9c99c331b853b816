#include "json/escape_check.hpp"

#include <array>
#include <bit>
#include <cstdint>

#include "json/byte_group.hpp"

namespace ccproxy::json {
namespace {

constexpr std::array<bool, 256> kShortEscapes = [] {
  std::array<bool, 256> known{};
  for (const char c : std::string_view("n\"\\/bfrt")) known[static_cast<unsigned char>(c)] = true;
  return known;
}();

// True for uXXXX behind a backslash.
bool is_code_escape(std::string_view rest) {
  constexpr std::size_t kDigits = 4;
  if (rest[0] != 'u' || rest.size() <= kDigits) return false;
  for (const char c : rest.substr(1, kDigits))
    if ((c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F')) return false;
  return true;
}

class EscapeCheck {
 public:
  explicit EscapeCheck(std::string_view text) : text_(text) {}

  // Escapes are too dense in source code for one call of memchr for each.
  Escapes run() {
    std::size_t at = 0;
    std::uint32_t escaped = 0;  // 1 when a backslash before the group escapes its first byte
    for (; at + kGroup < text_.size(); at += kGroup) {
      std::uint32_t found = matches(text_.data() + at, '\\') & ~escaped;
      escaped = 0;
      while (found != 0) {
        const auto place = static_cast<unsigned>(std::countr_zero(found));
        if (!passes(at + place)) return found_;
        escaped = place == kGroup - 1 ? 1 : 0;
        found &= ~(std::uint32_t{3} << place);  // the backslash and the byte that it escapes
      }
    }
    for (at += escaped; at < text_.size(); ++at)
      if (text_[at] == '\\' && !passes(at++)) return found_;
    return found_;
  }

 private:
  bool passes(std::size_t backslash) {
    const std::string_view rest = text_.substr(backslash + 1);
    if (!rest.empty() && kShortEscapes[static_cast<unsigned char>(rest[0])]) return true;
    if (rest.empty() || !is_code_escape(rest)) {
      found_.bad = backslash;
      return false;
    }
    found_.have_surrogate =
        found_.have_surrogate || ((rest[1] == 'd' || rest[1] == 'D') && rest[2] >= '8');
    return true;
  }

  std::string_view text_;
  Escapes found_;
};

}  // namespace

Escapes checked_escapes(std::string_view text) { return EscapeCheck(text).run(); }

}  // namespace ccproxy::json
