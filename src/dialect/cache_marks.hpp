// Prompt cache breakpoints: the client's own are kept as far as upstream takes them, and one that
// moves with the conversation is added (translation.md A.3.5).
#pragma once

#include <vector>

#include "dialect/report.hpp"
#include "dialect/request_tools.hpp"
#include "dialect/turns.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Takes off what is too much and returns the automatic breakpoint, which stands at the top of the
// request; kNone when there is no room for it or it is not wanted.
[[nodiscard]] CacheMark settle_cache_marks(json::Value request, bool adds_own,
                                           std::vector<Tool>& tools, std::vector<Block>& system,
                                           Turns& turns);

}  // namespace ccproxy::dialect
