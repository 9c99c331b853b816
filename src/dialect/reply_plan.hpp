// What the way back needs to know of a request: how its answer is to be shaped, and the names that
// were changed on the way up. Written by the decoder, read by the encoders. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/translation_options.hpp"

namespace ccproxy::dialect {

// How the client sees a tool, which upstream is always a function.
enum class ToolShape : std::uint8_t {
  kFunction,
  kCustom,  // its calls carry text instead of JSON
  // Of Responses alone: tools that its clients run by themselves.
  kLocalShell,
  kShell,
  kApplyPatch,
  kToolSearch,
};

// A tool of the client's, by the name that went upstream.
struct ToolName {
  std::string upstream;
  std::string client;
  ToolShape shape = ToolShape::kFunction;
  std::string tool_namespace{};  // of a tool in a namespace (Responses)
};

// What only an answer in Responses needs.
struct ResponsesPlan {
  // Members of the response object that repeat what the request says, as JSON, each with a comma
  // before it: instructions, tools, tool_choice, text, metadata and so on.
  std::string echo{};
  bool stores = false;         // `store` as it is echoed
  bool is_background = false;  // `background`
  bool shows_sources = false;  // web_search_call items list the pages that were found
  std::string previous{};      // previous_response_id; empty without
  std::string family{};        // of the model: who can read its signed thinking
  std::string account{};       // tag of the credential, where signatures are bound to it
  RefusalStyle refusal_style = RefusalStyle::kPart;
  bool is_prewarm = false;     // nothing was to be said
  bool compacts = false;       // what is said is a summary, told as one sealed item
  bool is_compaction = false;  // the object is a response.compaction
  std::string kept{};          // items that stand before the summary there, with commas between

  // Bytes of the request that each object of the response repeats.
  [[nodiscard]] std::size_t weight() const { return echo.size() + kept.size(); }
};

struct ReplyPlan {
  std::string model;       // as the client named it, without an effort suffix
  std::string model_sent;  // the id that goes upstream
  bool stream = false;
  bool include_usage = false;       // stream_options.include_usage
  bool show_reasoning = true;       // thinking is told in words
  bool legacy_functions = false;    // answers with function_call instead of tool_calls
  bool custom_as_function = false;  // custom calls are told as function calls with raw text
  bool strips_fence = false;        // a Markdown fence around the whole text is taken off
  bool wants_json = false;          // the text is JSON: none stands beside a refusal
  bool text_completion = false;     // the legacy /v1/completions shape
  std::vector<ToolName> tools{};
  std::vector<std::string> ignored{};   // for x-ccproxy-ignored
  std::vector<std::string> warnings{};  // for x-ccproxy-warning
  ResponsesPlan responses{};
};

// The tools of a plan, which must outlive it, by their names upstream.
class ToolsByName {
 public:
  explicit ToolsByName(const ReplyPlan& plan) : tools_(plan.tools) {}

  // The client's tool of that name; nullptr when it goes by the same name and is a plain function,
  // or when there is none.
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
