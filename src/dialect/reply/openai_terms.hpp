// Why an answer ended, and with which service it was given, in OpenAI's words.
#pragma once

#include <string>
#include <string_view>

namespace ccproxy::dialect {

// `stop_reason` is Anthropic's, perhaps one that nobody knows yet. `has_call` says that the answer
// holds a call of one of the client's tools: the reason must agree with what the client sees.
[[nodiscard]] constexpr std::string_view finish_reason(std::string_view stop_reason, bool has_call,
                                                       bool legacy_functions) {
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded")
    return "length";
  if (stop_reason == "refusal") return "content_filter";
  const bool may_call =
      stop_reason == "tool_use" || stop_reason == "end_turn" || stop_reason == "stop_sequence";
  if (!has_call || !may_call) return "stop";
  return legacy_functions ? "function_call" : "tool_calls";
}

// What the client is told of a refusal: upstream's own words, else a sentence with the category.
// In and out are still escaped, as in JSON text.
[[nodiscard]] inline std::string refusal_text(std::string_view explanation,
                                              std::string_view category) {
  if (!explanation.empty()) return std::string(explanation);
  std::string text = "The model declined to answer this request";
  if (!category.empty()) text.append(" (").append(category).append(")");
  return text += '.';
}

// The refusal of an answer that was to be JSON: its text is half a value, and nobody shall take it
// for one. So it is told as the refusal's beginning. All still escaped.
[[nodiscard]] inline std::string refusal_behind(std::string_view text, std::string_view refusal) {
  std::string all(text);
  if (!text.empty()) all += "\\n\\n";
  return all.append(refusal);
}

// `tier` and `fast` are what upstream says.
[[nodiscard]] constexpr std::string_view service_tier_of(std::string_view tier, bool fast) {
  if (fast || tier == "priority") return "priority";
  return tier == "batch" ? "flex" : "default";
}

}  // namespace ccproxy::dialect
