#include "anthropic/capabilities.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "base/text.hpp"
#include "json/outline.hpp"

namespace ccproxy::anthropic {
namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool has_one_of(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return has(text, part); });
}

bool is_about_support(std::string_view text) {
  return has_one_of(text, {"not supported", "unsupported", "not support", "not permitted",
                           "deprecated", "cannot both be"});
}

// The correction for an extra input, when it is one that this program adds.
std::optional<CapabilityCorrection> extra_input(std::string_view text) {
  if (has(text, "block_binding")) return CapabilityCorrection::kNoBlockBinding;
  if (has(text, "speed")) return CapabilityCorrection::kNoFastMode;
  if (has(text, "cache_control")) return CapabilityCorrection::kNoAutomaticCache;
  return std::nullopt;
}

// Removes the first number in `text`, with all that is before it, and returns the number.
std::optional<std::int64_t> take_number(std::string_view& text) {
  const auto first = text.find_first_of("0123456789");
  if (first == std::string_view::npos) return std::nullopt;
  text.remove_prefix(first);
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
  text.remove_prefix(digits.size());
  const auto number = parse_decimal(digits);
  if (!number) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

// True for the limits of the upstream's schema compiler and for keywords that it does not accept
// ("For 'object' type, 'additionalProperties' must be explicitly set to false").
bool refuses_schemas(std::string_view text) {
  if (has_one_of(text, {"too many optional parameters", "too many parameters with union types",
                        "too many strict tools", "'additionalproperties' must be"}))
    return true;
  if (has_one_of(text, {"grammar", "schema"}) &&
      has_one_of(text, {"too large", "too complex", "timed out", "took too long"}))
    return true;
  return has(text, "for '") && has(text, "' type, ");
}

bool is_supported(json::Value feature, bool otherwise) {
  return feature["supported"].boolean().value_or(otherwise);
}

Efforts efforts_from_api(json::Value effort, Efforts otherwise) {
  if (!effort.is_object()) return otherwise;
  if (!is_supported(effort, true)) return {};
  std::vector<Effort> levels;
  for (const Effort level :
       {Effort::kLow, Effort::kMedium, Effort::kHigh, Effort::kXhigh, Effort::kMax})
    if (is_supported(effort[effort_name(level)], false)) levels.push_back(level);
  return Efforts(levels);
}

void read_thinking(json::Value feature, Thinking& thinking) {
  const json::Value types = feature["types"];
  if (!types.is_object()) return;
  thinking.adaptive = is_supported(types["adaptive"], false);
  thinking.manual =
      is_supported(types["enabled"], false) ? ManualThinking::kYes : ManualThinking::kNo;
  if (!is_supported(types["disabled"], true)) thinking.off = ThinkingOff::kNone;
  if (!is_supported(feature, true)) thinking.standard = ThinkingState::kNone;
}

}  // namespace

Effort Efforts::nearest(Effort wanted) const {
  for (int level = static_cast<int>(wanted); level >= 0; --level)
    if (has(static_cast<Effort>(level))) return static_cast<Effort>(level);
  int level = static_cast<int>(wanted);
  while (level < static_cast<int>(Effort::kMax) && !has(static_cast<Effort>(level))) ++level;
  return static_cast<Effort>(level);
}

Capabilities capabilities_of(const Family& family) {
  return {.family = family.name,
          .context = family.context,
          .max_output = family.max_output,
          .sampling = family.sampling,
          .thinking = family.thinking,
          .efforts = Efforts(family.efforts),
          .forced_tool_choice = family.forced_tool_choice,
          .prefill = family.prefill,
          .structured_outputs = family.structured_outputs,
          .mid_system = family.mid_system,
          .preserved_thinking = family.preserved_thinking};
}

std::optional<Capabilities> capabilities_from_api(std::string_view body,
                                                  const Capabilities& otherwise) {
  json::Outline outline;
  if (!outline.read(body)) return std::nullopt;
  const json::Value description = outline.root();
  if (!description["id"].is_string()) return std::nullopt;
  Capabilities model = otherwise;
  const auto count = [](json::Value number, std::int64_t& into) {
    if (const auto tokens = number.integer(); tokens && *tokens > 0) into = *tokens;
  };
  count(description["max_tokens"], model.max_output);
  count(description["max_input_tokens"], model.context);
  const json::Value capabilities = description["capabilities"];
  model.efforts = efforts_from_api(capabilities["effort"], model.efforts);
  read_thinking(capabilities["thinking"], model.thinking);
  model.structured_outputs =
      is_supported(capabilities["structured_outputs"], model.structured_outputs);
  return model;
}

std::optional<CapabilityCorrection> correction_from_error(std::string_view message) {
  const std::string text = lowered(message);
  if (has(text, "extra inputs are not permitted")) return extra_input(text);
  if (refuses_schemas(text) || !is_about_support(text)) return std::nullopt;
  if (has(text, "schema")) return CapabilityCorrection::kNoSchema;
  if (has(text, "tool_choice")) return CapabilityCorrection::kNoForcedToolChoice;
  if (has(text, "prefill")) return CapabilityCorrection::kNoPrefill;
  if (has(text, "role") && has(text, "system")) return CapabilityCorrection::kNoMidSystem;
  if (has(text, "thinking.type")) return CapabilityCorrection::kOtherThinkingType;
  if (has(text, "effort")) return CapabilityCorrection::kEffortTooHigh;
  if (has_one_of(text, {"temperature", "top_p", "top_k"})) return CapabilityCorrection::kNoSampling;
  return std::nullopt;
}

std::vector<std::string_view> extra_tool_members(std::string_view message) {
  const std::string text = lowered(message);
  std::vector<std::string_view> named;
  if (!has(text, "extra inputs are not permitted")) return named;
  for (const std::string_view member : kToolMembers)
    if (has(text, member)) named.push_back(member);
  return named;
}

bool is_schema_refusal(std::string_view message) { return refuses_schemas(lowered(message)); }

std::optional<std::int64_t> room_for_output(std::string_view message) {
  const auto at = message.find("exceed context limit");
  if (at == std::string_view::npos || !has(message, "max_tokens")) return std::nullopt;
  std::string_view rest = message.substr(at);
  const auto input = take_number(rest);
  const auto output = take_number(rest);
  const auto limit = take_number(rest);
  if (!input || !output || !limit || *limit - *input < 1) return std::nullopt;
  return *limit - *input;
}

void apply(Capabilities& capabilities, CapabilityCorrection correction,
           std::optional<Effort> sent) {
  switch (correction) {
    case CapabilityCorrection::kNoForcedToolChoice:
      capabilities.forced_tool_choice = ForcedToolChoice::kNo;
      return;
    case CapabilityCorrection::kNoMidSystem: capabilities.mid_system = false; return;
    case CapabilityCorrection::kNoSampling: capabilities.sampling = false; return;
    case CapabilityCorrection::kNoPrefill: capabilities.prefill = Prefill::kNo; return;
    case CapabilityCorrection::kEffortTooHigh:
      if (sent) capabilities.efforts.remove(*sent);
      return;
    case CapabilityCorrection::kOtherThinkingType:
      capabilities.thinking.manual =
          capabilities.thinking.adaptive ? ManualThinking::kYes : ManualThinking::kNo;
      capabilities.thinking.adaptive = !capabilities.thinking.adaptive;
      return;
    case CapabilityCorrection::kNoBlockBinding: capabilities.block_binding = false; return;
    case CapabilityCorrection::kNoFastMode: capabilities.fast_mode = false; return;
    case CapabilityCorrection::kNoAutomaticCache: capabilities.automatic_cache = false; return;
    case CapabilityCorrection::kNoSchema:
      capabilities.structured_outputs = false;
      capabilities.strict_tools = false;
  }
}

}  // namespace ccproxy::anthropic
