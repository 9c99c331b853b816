// Text from outside as it may stand in a log: cut, and without anything that a terminal or an
// editor would obey. It refuses to know what the text means.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccproxy::telemetry {

// How much of a text is shown, in characters; what is cut ends with "...".
struct Bound {
  std::size_t text = 128;
  std::size_t word = 128;  // of what stands between blanks and commas: a sentence may be longer
};

// True when `text` can stand between quotes as it is: visible ASCII and blanks, no quote and no
// backslash.
[[nodiscard]] bool is_plain(std::string_view text);

// Appends `text` within its bound. Control characters (C0, DEL, C1), marks that turn the direction
// of writing, line separators and bytes that are no UTF-8 become escapes: \n, \u202e, \xff.
// `quoted` escapes quotes and backslashes, too, so that it can stand in a JSON string.
void append_shown(std::string& out, std::string_view text, Bound bound, bool quoted);

}  // namespace ccproxy::telemetry
