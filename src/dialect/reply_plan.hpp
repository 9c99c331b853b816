// What the way back needs to know of a request: how its answer is to be shaped, and the names that
// were changed on the way up. Written by the decoder, read by the encoders. Plain values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/options.hpp"

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
  std::string space{};  // of a tool in a namespace (Responses)
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

  // The client's tool of that name upstream; nullptr when it goes by the same name and is a plain
  // function, or when there is none.
  [[nodiscard]] const ToolName* tool_named(std::string_view upstream) const {
    const auto found = std::find_if(tools.begin(), tools.end(), [&](const ToolName& tool) {
      return tool.upstream == upstream;
    });
    return found == tools.end() ? nullptr : &*found;
  }
};

}  // namespace ccproxy::dialect
