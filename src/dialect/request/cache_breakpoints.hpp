// The prompt cache breakpoints of a request: the client's own, as far as upstream takes them, and
// one that moves with the conversation (rule A.3.5).
#pragma once

#include <vector>

#include "dialect/request/report.hpp"
#include "dialect/request/tool.hpp"
#include "dialect/request/turns.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

struct AutomaticBreakpoint {
  bool is_wanted;    // by the configuration; the client's request may want it in any case
  bool is_possible;  // the model's upstream takes it
};

// Removes the breakpoints that are too many, and returns the automatic one, which stands at the top
// of the request and holds for its last block: kNone when there is no room for it, it is not
// wanted, or that block has one. One that the client has requested and does not get is reported.
[[nodiscard]] CacheControl settle_cache_breakpoints(json::Value request,
                                                    AutomaticBreakpoint automatic,
                                                    std::vector<Tool>& tools,
                                                    std::vector<Block>& system, Turns& turns,
                                                    Report& report);

}  // namespace ccproxy::dialect
