// Prompt cache breakpoints: the client's own are kept as far as upstream takes them, and one that
// moves with the conversation is added (rule A.3.5).
#pragma once

#include <vector>

#include "dialect/request/report.hpp"
#include "dialect/request/tools.hpp"
#include "dialect/request/turns.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

struct AutomaticMark {
  bool is_wanted;    // whether the client asks for it or not
  bool is_possible;  // upstream takes it
};

// Takes off what is too much and returns the automatic breakpoint, which stands at the top of the
// request and holds for its last block; kNone when there is no room for it, it is not wanted, or
// that block has one. One that the client has asked for and does not get is reported.
[[nodiscard]] CacheControl settle_cache_marks(json::Value request, AutomaticMark automatic,
                                              std::vector<Tool>& tools, std::vector<Block>& system,
                                              Turns& turns, Report& report);

}  // namespace ccproxy::dialect
