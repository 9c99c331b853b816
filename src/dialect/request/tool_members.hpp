// Members of tools that are the provider's own. Clients of OpenAI's dialects write them as well, in
// a tool or in the function inside it, and they go up as they are where they can mean something.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dialect/request/block.hpp"
#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// True for names of the provider's tools, which carry the day of their version:
// web_search_20250305.
[[nodiscard]] bool is_versioned(std::string_view type);
// True for the tools of the provider's that find others.
[[nodiscard]] bool is_tool_search(std::string_view type);

// What becomes of a tool that is not to be loaded before it is searched for.
enum class Deferral {
  kTold,     // nobody could find it: it is loaded, and the client is told
  kAtOnce,   // the client's own search is answered by loading all at once
  kCarried,  // the provider searches
};

// Where a tool stands in the request. What that is called is written only where somebody is told:
// there may be tens of thousands.
struct ToolPlace {
  std::string_view field;              // a member, or a list with the tool in it
  std::optional<std::size_t> index{};  // in the list
  const ToolPlace* holder = nullptr;   // the element that the field is of, unless of the request

  // `member` has its dot.
  [[nodiscard]] std::string param(std::string_view member = {}) const;
};

// A tool as the client wrote it.
struct ToolSource {
  json::Value tool;
  json::Value inner;       // the object that has its name; `tool` itself without a wrapper
  const ToolPlace& place;  // of the tool
  const char* inner_at;    // where `inner` stands behind that
  bool takes_json = true;  // its input is what the client's schema says

  [[nodiscard]] bool is_wrapped() const { return inner.raw().data() != tool.raw().data(); }
};

struct ToolMembers {
  std::string json{};  // those to send but for defer_loading, each with a comma before it
  bool is_deferred = false;
  bool is_eager_set = false;  // eager_input_streaming, to true or false
};

// `left_out`: names of those that upstream has refused.
[[nodiscard]] ToolMembers read_tool_members(const ToolSource& source, Deferral deferral,
                                            std::span<const std::string_view> left_out,
                                            Report& report);

// A tool of the provider's own without its cache mark and without those that are left out.
[[nodiscard]] std::string_view carried_tool(json::Value tool, const ToolPlace& place,
                                            std::span<const std::string_view> left_out,
                                            Report& report, RequestArena& arena);

}  // namespace ccproxy::dialect
