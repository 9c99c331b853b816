// Why a reply ended, how it was refused and with which service it was given, in OpenAI's words.
#pragma once

#include <string>
#include <string_view>

namespace ccproxy::dialect {

// Returns the finish_reason for Anthropic's `stop_reason`, which may be a new one. `has_call` says
// that the reply holds a call of one of the client's tools: the reason must agree with it.
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

// Returns the text of a refusal: upstream's explanation, or a sentence with the category when there
// is none. The parameters and the result are still escaped.
[[nodiscard]] inline std::string refusal_text(std::string_view explanation,
                                              std::string_view category) {
  if (!explanation.empty()) return std::string(explanation);
  std::string text = "The model declined to answer this request";
  if (!category.empty()) text.append(" (").append(category).append(")");
  return text += '.';
}

// Returns the refusal of a reply in JSON. Its text so far is half a value that no client must
// parse, so it becomes the beginning of the refusal. The parameters and the result are still
// escaped.
[[nodiscard]] inline std::string refusal_behind(std::string_view text, std::string_view refusal) {
  std::string whole(text);
  if (!text.empty()) whole += "\\n\\n";
  return whole.append(refusal);
}

// Returns OpenAI's service_tier for upstream's tier and speed.
[[nodiscard]] constexpr std::string_view service_tier_of(std::string_view tier, bool fast) {
  if (fast || tier == "priority") return "priority";
  return tier == "batch" ? "flex" : "default";
}

}  // namespace ccproxy::dialect
