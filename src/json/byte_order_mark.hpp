// The byte order mark that some editors put before a text. It is not JSON, but readers may ignore
// it (RFC 8259, 8.1).
#pragma once

#include <string_view>

namespace ccproxy::json {

// Removes a UTF-8 byte order mark from the front of `text`.
[[nodiscard]] constexpr std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  return text;
}

}  // namespace ccproxy::json
