// What the readers of a history share, whichever dialect it is written in.
#pragma once

#include <string>
#include <vector>

#include "dialect/request/block.hpp"
#include "dialect/request/context.hpp"
#include "dialect/request/report.hpp"
#include "dialect/request/tools.hpp"

namespace ccproxy::dialect {

// What the messages of a request are read with.
struct MessageTools {
  const RequestContext& context;
  Report& report;
  RequestArena& arena;
  const RequestTools& tools;
  std::vector<std::string>& betas;  // takes what a part of the content needs
};

}  // namespace ccproxy::dialect
