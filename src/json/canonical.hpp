// canonical_value and value_hash (json/document.hpp) for whoever asks it of many small texts, one
// after another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json/outline.hpp"

namespace ccproxy::json {

// One text for all texts that mean the same. `outline` is used and forgotten.
[[nodiscard]] std::string canonical_value(std::string_view text, Outline& outline);

// A number that is the same for texts that mean the same.
[[nodiscard]] std::uint64_t value_hash(std::string_view text, Outline& outline);

}  // namespace ccproxy::json
