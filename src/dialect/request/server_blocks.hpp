// Blocks of tools that the provider runs, in a history: searches, fetched pages, code that ran.
// Upstream takes them only as pairs, and only where the request declares their tool; elsewhere they
// are told as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dialect/request/block.hpp"
#include "dialect/request/report.hpp"
#include "dialect/request/tools.hpp"
#include "dialect/request/turns.hpp"

namespace ccproxy::dialect {

// True for the type of a part that is such a block, of one of today's tools or of tomorrow's.
[[nodiscard]] bool is_server_block(std::string_view type);

// The part as a block that is to be settled, with the mark that it asks for.
[[nodiscard]] Block server_block(json::Value part, CacheControl cache_control, RequestArena& arena);

struct ServerBlockTools {
  std::vector<Tool>& declared;
  RequestArena& arena;
  Report& report;
  std::vector<std::string>& betas;
  std::string_view list;  // the field that the conversation stands in
};

// Settles each block that server_block() has made: it goes up as it is, as text, or not at all,
// which is reported. A call and its result go the same way.
void settle_server_blocks(std::vector<Block>& system, Turns& turns, const ServerBlockTools& with);

}  // namespace ccproxy::dialect
