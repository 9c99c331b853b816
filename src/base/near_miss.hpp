// Suggestions for a mistyped word: a command, a flag or the name of a key.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ccproxy {

// The element of `known` with the smallest edit distance to `word`; "" when none is near enough. A
// letter that is missing, added, replaced or swapped with its neighbour counts as one. A word may
// differ by one, plus one for each five letters. Case and leading dashes are ignored. Words of more
// than 64 bytes match nothing.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace ccproxy
