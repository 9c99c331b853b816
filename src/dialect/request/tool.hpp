// A tool of a request, in whichever shape the client wrote it.
#pragma once

#include <string_view>
#include <unordered_map>

#include "dialect/reply_plan.hpp"
#include "dialect/request/block.hpp"
#include "dialect/request/input_shape.hpp"
#include "dialect/request/output_schema.hpp"

namespace ccproxy::dialect {

// Views of the request or of its arena. Text is decoded ("plain") unless it says otherwise.
struct Tool {
  std::string_view client{};             // the name that the client knows, with its namespace
  std::string_view upstream{};           // the name that upstream knows
  std::string_view description{};        // escaped
  std::string_view schema{};             // JSON
  std::string_view hosted{};             // the provider's own tool, the whole object as JSON
  std::string_view type{};               // of such a tool, with its version
  std::string_view source{};             // as the client wrote it, JSON
  std::string_view tool_namespace{};     // empty without
  std::string_view name_in_namespace{};  // empty without
  ToolShape shape = ToolShape::kFunction;
  std::string_view members{};  // Anthropic's own members, as JSON, each with a comma before it
  bool is_deferred = false;    // loaded only once a search has found it
  bool is_strict = false;
  // A tool of the provider's whose calls come to the client: the provider knows more tools than it
  // runs.
  bool is_run_by_client = false;
  SchemaCost cost{};  // set while it is strict
  CacheControl cache_control = CacheControl::kNone;
};

// Functions of the client's that have the name of a tool of the provider's which the client runs,
// by that name. Their calls are distinguished by the input that the function takes.
using SharedToolNames = std::unordered_map<std::string_view, InputShape>;

}  // namespace ccproxy::dialect
