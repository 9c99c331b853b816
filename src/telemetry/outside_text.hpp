// Text from outside, made safe for a log: cut, and without anything that a terminal or an editor
// would obey. It refuses to know what the text means.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccproxy::telemetry {

// How many characters of a text are shown; a cut text ends with "...".
struct Bound {
  std::size_t text = 128;
  std::size_t word = 128;  // limit of each part between blanks and commas, for sentences
};

// Whether `text` can stand between quotes as it is: it has visible ASCII and blanks only, and no
// quote or backslash.
[[nodiscard]] bool is_plain(std::string_view text);

// Appends `text` within its bound. Control characters (C0, DEL, C1), bidirectional marks, line
// separators and bytes that are no UTF-8 become escapes: \n, \u202e, \xff. With `quoted`, quotes
// and backslashes are escaped, too, so that the text can stand in a JSON string.
void append_shown(std::string& out, std::string_view text, Bound bound, bool quoted);

}  // namespace ccproxy::telemetry
