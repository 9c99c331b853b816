// Small questions about ASCII text, as HTTP asks them. No locale, no allocation unless it says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ccproxy {

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Equal but for the case of ASCII letters. Inline: it runs for every field of every head.
[[nodiscard]] constexpr bool same_text(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  return true;
}

[[nodiscard]] bool starts_with_text(std::string_view text, std::string_view prefix);

// Without spaces and tabs at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

// The part before the next `separator`, trimmed; `rest` moves behind it. For lists such as
// "a, b": call until `rest` is empty.
[[nodiscard]] std::string_view take_item(std::string_view& rest, char separator);

// True when a comma list, as in Connection, names `item` (any case).
[[nodiscard]] bool list_names(std::string_view list, std::string_view item);

// Decimal digits only, 1 to 18 of them.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view digits);

[[nodiscard]] std::string lowered(std::string_view text);

}  // namespace ccproxy
