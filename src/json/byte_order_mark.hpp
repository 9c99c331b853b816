// What some editors put before a text, and JSON does not know (RFC 8259, 8.1: it may be passed
// over).
#pragma once

#include <string_view>

namespace ccproxy::json {

// `text` behind its UTF-8 byte order mark, where it has one.
[[nodiscard]] constexpr std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  return text;
}

}  // namespace ccproxy::json
