// The word that somebody meant who mistyped it: for commands, flags and names of keys.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ccproxy {

// The one of `known` that differs least from `word`: letters too many, missing, wrong or changed
// places, one, and one more for each five letters. Case does not count, dashes in front neither. ""
// when none is near. A word of more than 64 bytes is near nothing.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace ccproxy
