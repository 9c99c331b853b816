// canonical_value() and value_hash() of json/document.hpp for many small texts: the outline is
// reused, which saves its allocations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json/outline.hpp"

namespace ccproxy::json {

// `outline` is overwritten.
[[nodiscard]] std::string canonical_value(std::string_view text, Outline& outline);

// `outline` is overwritten.
[[nodiscard]] std::uint64_t value_hash(std::string_view text, Outline& outline);

}  // namespace ccproxy::json
