// Whether the escapes of a JSON text are such that JSON knows, in one go.
#pragma once

#include <cstddef>
#include <string_view>

namespace ccproxy::json {

struct Escapes {
  std::size_t bad = std::string_view::npos;  // where the first one stands that JSON does not know
  bool have_surrogate = false;               // one before that is half a pair, or of a whole one
};

// Of a string's content, or of a whole text whose grammar holds: each backslash is in a string.
[[nodiscard]] Escapes checked_escapes(std::string_view text);

}  // namespace ccproxy::json
