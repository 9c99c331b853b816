// Blocks in a history that are of tools which the provider runs: searches, fetched pages, code.
// Upstream takes them only as pairs of call and result, and only where the request declares their
// tool; elsewhere they become text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dialect/request/block.hpp"
#include "dialect/request/report.hpp"
#include "dialect/request/tool.hpp"
#include "dialect/request/turns.hpp"

namespace ccproxy::dialect {

// True for the type of a part that is such a block. New tools are known by the endings of their
// types.
[[nodiscard]] bool is_server_block(std::string_view type);

// The part as a block that settle_server_blocks() must settle.
[[nodiscard]] Block server_block(json::Value part, CacheControl cache_control, RequestArena& arena);

struct ServerBlockTools {
  std::vector<Tool>& declared;
  RequestArena& arena;
  Report& report;
  std::vector<std::string>& betas;
  std::string_view list;  // the field of the request that holds the conversation
};

// Settles each block that server_block() has made: it goes up as it is, becomes text, or is
// removed, which is reported. A call and its result are treated alike.
void settle_server_blocks(std::vector<Block>& system, Turns& turns, const ServerBlockTools& with);

}  // namespace ccproxy::dialect
