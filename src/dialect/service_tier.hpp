// Which service an answer was given with, in OpenAI's words.
#pragma once

#include <string_view>

namespace ccproxy::dialect {

// `tier` and `fast` are what upstream says.
[[nodiscard]] constexpr std::string_view openai_tier(std::string_view tier, bool fast) {
  if (fast || tier == "priority") return "priority";
  return tier == "batch" ? "flex" : "default";
}

}  // namespace ccproxy::dialect
