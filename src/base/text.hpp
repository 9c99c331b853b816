// Comparing, trimming and splitting ASCII text, as HTTP needs it. Nothing here depends on the
// locale, and only lowered() allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ccproxy {

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// True when both are equal apart from the case of ASCII letters. Inline, since it runs for every
// field of every head.
[[nodiscard]] constexpr bool same_text(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  return true;
}

// The same for a prefix of `text`.
[[nodiscard]] bool starts_with_text(std::string_view text, std::string_view prefix);

// Removes spaces and tabs from both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

// Returns the part of `rest` before the next `separator`, trimmed, and removes both from `rest`. To
// read a list such as "a, b", call it until `rest` is empty.
[[nodiscard]] std::string_view take_item(std::string_view& rest, char separator);

// True when a comma-separated list, such as the value of Connection, contains `item` in any case.
[[nodiscard]] bool list_names(std::string_view list, std::string_view item);

// Reads 1 to 18 decimal digits; nothing for any other text, signs and spaces included.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view digits);

[[nodiscard]] std::string lowered(std::string_view text);

}  // namespace ccproxy
