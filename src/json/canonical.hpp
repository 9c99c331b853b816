// canonical_value (json/document.hpp) for whoever asks it of many small texts, one after another.
#pragma once

#include <string>
#include <string_view>

#include "json/outline.hpp"

namespace ccproxy::json {

// One text for all texts that mean the same. `outline` is used and forgotten.
[[nodiscard]] std::string canonical_value(std::string_view text, Outline& outline);

}  // namespace ccproxy::json
