// Checks all escapes of a JSON text in one pass.
#pragma once

#include <cstddef>
#include <string_view>

namespace ccproxy::json {

struct Escapes {
  // The place of the first escape that JSON does not have.
  std::size_t bad = std::string_view::npos;
  bool have_surrogate = false;  // an escape before that is a surrogate
};

// `text` is the content of a string, or a whole text with valid grammar, so that every backslash is
// in a string.
[[nodiscard]] Escapes checked_escapes(std::string_view text);

}  // namespace ccproxy::json
