// Holds what an encoder must know of the request: the form of the reply, and names that the decoder
// has changed. Written by the decoder, read by the encoders. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/translation_options.hpp"

namespace ccproxy::dialect {

// The kind of tool that the client knows. Upstream, each is a function.
enum class ToolShape : std::uint8_t {
  kFunction,
  kCustom,  // its calls carry text instead of JSON
  // Of Responses alone: tools that clients run by themselves.
  kLocalShell,
  kShell,
  kApplyPatch,
  kToolSearch,
};

// The name of a tool upstream, and the tool that the client knows.
struct ToolName {
  std::string upstream;
  std::string client;
  ToolShape shape = ToolShape::kFunction;
  std::string tool_namespace{};  // of a tool in a namespace (Responses)
};

// Holds what only a reply in Responses needs.
struct ResponsesPlan {
  // The members of the response object that repeat the request, as JSON, each with a comma before
  // it: instructions, tools, tool_choice, text, metadata and so on.
  std::string echo{};
  bool stores = false;         // `store` as it is echoed
  bool is_background = false;  // `background`
  bool shows_sources = false;  // web_search_call items list the pages that were found
  std::string previous{};      // previous_response_id; empty without
  std::string family{};        // of the model, which signed thinking is bound to
  std::string account{};       // tag of the credential, where thinking is bound to that, too
  RefusalStyle refusal_style = RefusalStyle::kPart;
  bool is_prewarm = false;     // the request wants no output
  bool compacts = false;       // the text is a summary, and becomes one `compaction` item
  bool is_compaction = false;  // the object is a response.compaction
  std::string retained{};      // items before the summary in that, with commas between

  // Bytes of the request that each response object repeats.
  [[nodiscard]] std::size_t echoed_bytes() const { return echo.size() + retained.size(); }
};

struct ReplyPlan {
  std::string model;       // as the client named it, without an effort suffix
  std::string model_sent;  // the id that goes upstream
  bool stream = false;
  bool include_usage = false;       // stream_options.include_usage
  bool show_reasoning = true;       // the reply has the text of the thinking
  bool legacy_functions = false;    // calls are written as function_call instead of tool_calls
  bool custom_as_function = false;  // custom calls are written as function calls with raw text
  bool strips_fence = false;        // a Markdown fence around the whole text is removed
  bool wants_json = false;          // the text is JSON, so a refusal has no text beside it
  bool text_completion = false;     // the legacy /v1/completions shape
  std::vector<ToolName> tools{};
  std::vector<std::string> ignored{};   // for x-ccproxy-ignored
  std::vector<std::string> warnings{};  // for x-ccproxy-warning
  ResponsesPlan responses{};
};

// Finds the tools of a plan, which must outlive the object, by their names upstream.
class ToolsByName {
 public:
  explicit ToolsByName(const ReplyPlan& plan) : tools_(plan.tools) {}

  // The client's tool of that name; nullptr when it is a function with the same name for the
  // client, or when there is none.
  [[nodiscard]] const ToolName* find(std::string_view upstream) {
    if (by_name_.empty())
      for (const ToolName& tool : tools_) by_name_.try_emplace(tool.upstream, &tool);
    const auto found = by_name_.find(upstream);
    return found == by_name_.end() ? nullptr : found->second;
  }

 private:
  const std::vector<ToolName>& tools_;
  std::unordered_map<std::string_view, const ToolName*> by_name_;
};

}  // namespace ccproxy::dialect
