// How hard the model shall think: what clients ask for in five ways, as `thinking` and
// `output_config.effort` of the model's family (rule A.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "anthropic/capabilities.hpp"
#include "base/translation_options.hpp"
#include "dialect/request/report.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// As OpenAI's clients name them, in rising order.
enum class ReasoningLevel { kNone, kMinimal, kLow, kMedium, kHigh, kXhigh, kMax };

[[nodiscard]] std::optional<ReasoningLevel> reasoning_level(std::string_view name);

struct ReasoningRequest {
  std::optional<ReasoningLevel> level{};
  std::optional<std::int64_t> budget{};         // tokens
  json::Value thinking{};                       // in Anthropic's own form, if it was given so
  bool is_hidden = false;                       // the client does not want to see it
  std::string_view param = "reasoning_effort";  // where it was said
};

// Reads reasoning_effort, reasoning, thinking and enable_thinking; `suffix` is the effort that the
// model's name ended in.
[[nodiscard]] ReasoningRequest read_reasoning(json::Value request, std::string_view suffix,
                                              Report& report);

// The same for Responses: `reasoning` is its member of that name, `effort` the reasoning_effort of
// chat, which counts where the first says nothing. `is_hidden` unless a summary was asked for.
[[nodiscard]] ReasoningRequest read_responses_reasoning(json::Value reasoning, json::Value effort,
                                                        std::string_view suffix, Report& report);

struct ThinkingContext {
  const anthropic::Capabilities& can;
  ReasoningDisplay display;
  std::int64_t max_tokens;
  bool is_forced;      // a tool must be called
  bool lacks_thought;  // the last call of the history has lost its thinking
  bool has_thought;    // signed thinking goes back with the history
};

struct ThinkingChoice {
  std::string json{};  // the member `thinking`; empty when it is left out
  std::optional<anthropic::Effort> effort{};
  bool is_on = false;         // the request asks for thinking
  bool binds_blocks = false;  // it says what becomes of blocks whose prefix has changed
};

[[nodiscard]] ThinkingChoice choose_thinking(const ReasoningRequest& wish,
                                             const ThinkingContext& context, Report& report);

}  // namespace ccproxy::dialect
