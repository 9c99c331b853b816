// Anthropic's own members of tools (anthropic::kToolMembers). Clients of OpenAI's dialects write
// them as well, in a tool or in the function inside it, and they are forwarded where they have a
// meaning.
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

// True for types of the provider's tools, which end in the date of their version:
// web_search_20250305.
[[nodiscard]] bool is_versioned(std::string_view type);
// True for types of the provider's tools that find other tools.
[[nodiscard]] bool is_tool_search(std::string_view type);

// What becomes of `defer_loading`, by which a tool is loaded only once a search has found it.
enum class Deferral {
  kIgnored,       // nothing could find the tool: it is loaded, which is reported
  kLoadedAtOnce,  // the client searches: all tools are loaded
  kForwarded,     // the provider searches
};

// The place of a tool in the request. It is only made into text where something is wrong with the
// tool, since a request may have tens of thousands of them.
struct ToolPath {
  std::string_view field;              // the member that holds the tool or a list with it
  std::optional<std::size_t> index{};  // in that list
  const ToolPath* holder = nullptr;    // the element that has the field; nullptr: the request

  // Such as `tools[3].function.name`; `member` has its dot.
  [[nodiscard]] std::string param(std::string_view member = {}) const;
};

// A tool as the client wrote it.
struct ToolSource {
  json::Value tool;
  json::Value inner;       // the object that has its name; `tool` itself without a wrapper
  const ToolPath& path;    // of the tool
  const char* inner_at;    // the place of `inner` behind `path`
  bool takes_json = true;  // its input follows the client's schema

  [[nodiscard]] bool is_wrapped() const { return inner.raw().data() != tool.raw().data(); }
};

struct ToolMembers {
  std::string json{};  // all to send but defer_loading, each with a comma before it
  bool is_deferred = false;
  bool is_eager_set = false;  // the client has set eager_input_streaming, to true or false
};

// Reads the members. Those in `refused`, which upstream has refused, are reported and left out.
[[nodiscard]] ToolMembers read_tool_members(const ToolSource& source, Deferral deferral,
                                            std::span<const std::string_view> refused,
                                            Report& report);

// A tool of the provider's as the client wrote it, without its breakpoint and without members in
// `refused`, which are reported.
[[nodiscard]] std::string_view forwarded_tool(json::Value tool, const ToolPath& path,
                                              std::span<const std::string_view> refused,
                                              Report& report, RequestArena& arena);

}  // namespace ccproxy::dialect
