// What the way back needs to know of a request: how its answer is to be shaped, and the names that
// were changed on the way up. Written by the decoder, read by the encoders. Plain values.
#pragma once

#include <string>
#include <vector>

namespace ccproxy::dialect {

// A tool of the client's, by the name that went upstream.
struct ToolName {
  std::string upstream;
  std::string client;
  bool custom = false;  // its calls carry text instead of JSON
};

struct ReplyPlan {
  std::string model;       // as the client named it, without an effort suffix
  std::string model_sent;  // the id that goes upstream
  bool stream = false;
  bool include_usage = false;       // stream_options.include_usage
  bool show_reasoning = true;       // reasoning_content is told
  bool legacy_functions = false;    // answers with function_call instead of tool_calls
  bool custom_as_function = false;  // custom calls are told as function calls with raw text
  bool strips_fence = false;        // a Markdown fence around the whole text is taken off
  bool text_completion = false;     // the legacy /v1/completions shape
  std::vector<ToolName> tools{};
  std::vector<std::string> ignored{};   // for x-ccproxy-ignored
  std::vector<std::string> warnings{};  // for x-ccproxy-warning
};

}  // namespace ccproxy::dialect
