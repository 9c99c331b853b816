// How much the model is to think: clients request it in five ways, and it goes up as `thinking` and
// `output_config.effort` in the form of the model's family (rule A.6).
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

// Levels as OpenAI's clients name them, in rising order.
enum class ReasoningLevel { kNone, kMinimal, kLow, kMedium, kHigh, kXhigh, kMax };

// The level of that name; nothing when there is none.
[[nodiscard]] std::optional<ReasoningLevel> reasoning_level(std::string_view name);

// What the client has requested.
struct ReasoningRequest {
  std::optional<ReasoningLevel> level{};
  std::optional<std::int64_t> budget{};         // tokens
  json::Value thinking{};                       // `thinking` in Anthropic's own form, if given
  bool is_hidden = false;                       // the client does not want to see the thinking
  std::string_view param = "reasoning_effort";  // the field that requests it
};

// Reads reasoning_effort, reasoning, thinking and enable_thinking. `suffix` is the effort that the
// model's name ended in, and counts where none of these is given. Errors go to the report.
[[nodiscard]] ReasoningRequest read_reasoning(json::Value request, std::string_view suffix,
                                              Report& report);

// The same for Responses: `reasoning` is its member of that name. `effort` is the reasoning_effort
// of Chat Completions, which counts where `reasoning` has none. `is_hidden` unless a summary is
// requested.
[[nodiscard]] ReasoningRequest read_responses_reasoning(json::Value reasoning, json::Value effort,
                                                        std::string_view suffix, Report& report);

// What the choice depends on beside the client's request.
struct ThinkingContext {
  const anthropic::Capabilities& can;
  ReasoningDisplay display;
  std::int64_t max_tokens;
  bool is_forced;       // a tool must be called
  bool lacks_thinking;  // the last call of the history has lost its thinking
  bool has_thinking;    // signed thinking goes upstream with the history
};

struct ThinkingChoice {
  std::string json{};  // `thinking` to send; empty to leave it out
  std::optional<anthropic::Effort> effort{};
  bool is_on = false;         // the request asks for thinking
  bool binds_blocks = false;  // `block_binding` is in it: what becomes of changed thinking
};

// Chooses what the model takes of the request. What it does not take is reported.
[[nodiscard]] ThinkingChoice choose_thinking(const ReasoningRequest& request,
                                             const ThinkingContext& context, Report& report);

}  // namespace ccproxy::dialect
