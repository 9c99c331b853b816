#include "dialect/request/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;
using json::ValueKind;

enum class Treatment { kRead, kIgnored };

// The routes that know a field. On the others it is an unknown field.
constexpr unsigned kChat = 1, kCompletion = 2, kResponses = 4;
constexpr unsigned kCompletions = kChat | kCompletion, kWithTools = kChat | kResponses,
                   kAll = kCompletions | kResponses;

struct Field {
  std::string_view name;
  ValueKind kind;  // kMissing: checked where it is read
  unsigned routes;
  Treatment treatment = Treatment::kRead;
};

// All known fields. Others are reported as ignored.
constexpr std::array<Field, 61> kFields = {{
    {"model", ValueKind::kMissing, kAll},
    {"messages", ValueKind::kMissing, kChat},
    {"max_completion_tokens", ValueKind::kNumber, kAll},
    {"max_tokens", ValueKind::kNumber, kAll},
    {"max_output_tokens", ValueKind::kNumber, kAll},
    {"temperature", ValueKind::kNumber, kAll},
    {"top_p", ValueKind::kNumber, kAll},
    {"top_k", ValueKind::kNumber, kAll},
    {"stop", ValueKind::kMissing, kAll},
    {"stop_sequences", ValueKind::kMissing, kAll},
    {"system", ValueKind::kMissing, kWithTools},
    {"cache_control", ValueKind::kObject, kAll},
    {"n", ValueKind::kNumber, kCompletions},
    {"stream", ValueKind::kBool, kAll},
    {"stream_options", ValueKind::kObject, kAll},
    {"tools", ValueKind::kMissing, kWithTools},
    {"functions", ValueKind::kMissing, kChat},
    {"tool_choice", ValueKind::kMissing, kWithTools},
    {"function_call", ValueKind::kMissing, kChat},
    {"parallel_tool_calls", ValueKind::kBool, kWithTools},
    {"response_format", ValueKind::kMissing, kAll},
    {"reasoning_effort", ValueKind::kMissing, kAll},
    {"reasoning", ValueKind::kMissing, kAll},
    {"thinking", ValueKind::kMissing, kCompletions},
    {"enable_thinking", ValueKind::kMissing, kCompletions},
    {"verbosity", ValueKind::kString, kCompletions},
    {"seed", ValueKind::kNumber, kCompletions, Treatment::kIgnored},
    {"frequency_penalty", ValueKind::kNumber, kCompletions, Treatment::kIgnored},
    {"presence_penalty", ValueKind::kNumber, kCompletions, Treatment::kIgnored},
    {"logit_bias", ValueKind::kObject, kCompletions, Treatment::kIgnored},
    {"prediction", ValueKind::kObject, kChat, Treatment::kIgnored},
    {"store", ValueKind::kBool, kChat, Treatment::kIgnored},
    {"prompt_cache_key", ValueKind::kString, kCompletions, Treatment::kIgnored},
    {"metadata", ValueKind::kObject, kAll},
    {"logprobs", ValueKind::kMissing, kCompletions},
    {"top_logprobs", ValueKind::kNumber, kAll},
    {"user", ValueKind::kString, kAll},
    {"safety_identifier", ValueKind::kString, kAll},
    {"service_tier", ValueKind::kString, kAll},
    {"modalities", ValueKind::kArray, kChat},
    {"audio", ValueKind::kObject, kChat},
    {"web_search_options", ValueKind::kMissing, kChat},
    {"moderation", ValueKind::kObject, kAll},
    {"prompt_cache_options", ValueKind::kObject, kAll},
    {"prompt_cache_retention", ValueKind::kString, kAll},
    {"prompt", ValueKind::kMissing, kCompletion},
    {"suffix", ValueKind::kString, kCompletion, Treatment::kIgnored},
    {"echo", ValueKind::kBool, kCompletion, Treatment::kIgnored},
    {"best_of", ValueKind::kNumber, kCompletion},
    {"input", ValueKind::kMissing, kResponses},
    {"instructions", ValueKind::kString, kResponses},
    {"text", ValueKind::kObject, kResponses},
    {"include", ValueKind::kArray, kResponses},
    {"store", ValueKind::kBool, kResponses},
    {"background", ValueKind::kBool, kResponses},
    {"previous_response_id", ValueKind::kString, kResponses},
    {"conversation", ValueKind::kMissing, kResponses},
    {"prompt", ValueKind::kMissing, kResponses},
    {"prompt_cache_key", ValueKind::kString, kResponses},  // echoed
    {"max_tool_calls", ValueKind::kNumber, kResponses},
    {"truncation", ValueKind::kString, kResponses},
}};

std::string_view name_of(ValueKind kind) {
  switch (kind) {
    case ValueKind::kBool: return "a boolean";
    case ValueKind::kNumber: return "a number";
    case ValueKind::kString: return "a string";
    case ValueKind::kArray: return "an array";
    default: return "an object";
  }
}

class Parameters {
 public:
  Parameters(Value request, Route route, const RequestContext& context, Report& report)
      : request_(request),
        routes_(route == Route::kChat         ? kChat
                : route == Route::kCompletion ? kCompletion
                                              : kResponses),
        is_completion_(route == Route::kCompletion),
        context_(context),
        report_(report) {}

  RequestParameters run() {
    check_fields();
    read_max_tokens();
    read_stream();
    refuse_unsupported();
    read_stop();
    read_user();
    read_service_tier();
    read_verbosity();
    read_number("temperature", 2, parameters_.temperature);
    read_number("top_p", 1, parameters_.top_p);
    parameters_.top_k = request_["top_k"];
    if (!parameters_.top_k.is_absent() && parameters_.top_k.integer().value_or(-1) < 0)
      report_.refuse("top_k", "invalid_value", "'top_k' is a whole number, 0 or more.");
    return std::move(parameters_);
  }

 private:
  void check_fields() {
    for (const Value member : request_.children()) {
      if (member.is_absent()) continue;
      const Field* const field = field_of(member.name());
      if (field == nullptr) {
        if (!is_as_left_out(member)) report_.ignore(member.name());
      } else if (field->kind != ValueKind::kMissing && field->kind != member.kind()) {
        report_.refuse_type(field->name, name_of(field->kind));
      } else if (field->treatment == Treatment::kIgnored && !is_as_left_out(member)) {
        report_.ignore(field->name);
      }
    }
  }

  // Uses a hash table, since a request may have a hundred thousand members.
  [[nodiscard]] const Field* field_of(std::string_view name) const {
    static const auto kByName = [] {
      std::unordered_multimap<std::string_view, const Field*> rows;
      for (const Field& row : kFields) rows.emplace(row.name, &row);
      return rows;
    }();
    const auto [first, last] = kByName.equal_range(name);
    const auto found = std::find_if(
        first, last, [this](const auto& row) { return (row.second->routes & routes_) != 0; });
    return found == last ? nullptr : found->second;
  }

  void read_max_tokens() {
    const auto& can = context_.can;
    auto& max_tokens = parameters_.max_tokens;
    max_tokens = can.max_output;
    if (context_.options.default_max_tokens > 0)
      max_tokens = std::min(max_tokens, context_.options.default_max_tokens);
    constexpr std::array<const char*, 3> kChatOrder = {"max_completion_tokens", "max_tokens",
                                                       "max_output_tokens"};
    constexpr std::array<const char*, 3> kResponsesOrder = {"max_output_tokens",
                                                            "max_completion_tokens", "max_tokens"};
    for (const char* name : routes_ == kResponses ? kResponsesOrder : kChatOrder) {
      const Value value = request_[name];
      if (value.is_absent()) continue;
      const auto tokens = value.integer();
      if (!tokens || *tokens < 1)
        return report_.refuse(name, tokens ? "invalid_value" : "invalid_type",
                              fmt::format("'{}' must be an integer of at least 1.", name));
      max_tokens = std::min(*tokens, can.max_output);
      if (*tokens > can.max_output) report_.warn("max_tokens_clamped", name);
      break;
    }
    if (context_.max_tokens_limit) max_tokens = std::min(max_tokens, *context_.max_tokens_limit);
  }

  void read_stream() {
    parameters_.stream = request_["stream"].boolean().value_or(false);
    const Value include = request_["stream_options"]["include_usage"];
    if (!include.is_absent() && !include.boolean())
      report_.refuse_type("stream_options.include_usage", "a boolean");
    parameters_.include_usage = parameters_.stream && include.boolean().value_or(false);
  }

  // Refuses what would make the client take the reply for something that it is not.
  void refuse_unsupported() {
    if (routes_ != kResponses) refuse_choices();
    if (request_["top_logprobs"].number().value_or(0) > 0) refuse_logprobs("top_logprobs");
    read_moderation();
  }

  void refuse_choices() {
    if (const Value n = request_["n"]; !n.is_absent() && n.number() != 1.0)
      report_.refuse("n", "unsupported_value", "Claude gives one answer: only n=1 is supported.");
    if (const Value best = request_["best_of"];
        is_completion_ && !best.is_absent() && best.number() != 1.0)
      report_.ignore("best_of");
    const Value logprobs = request_["logprobs"];
    const bool is_wrong_type =
        !logprobs.is_absent() && !logprobs.boolean() && !(is_completion_ && logprobs.number());
    if (is_wrong_type) report_.refuse_type("logprobs", is_completion_ ? "an integer" : "a boolean");
    if (logprobs.boolean().value_or(false) || logprobs.number().value_or(0) > 0)
      refuse_logprobs("logprobs");
    for (const Value modality : request_["modalities"].children())
      if (modality.text().escaped == "audio")
        report_.refuse("modalities", "unsupported_value", "Claude does not speak: only text.");
  }

  void refuse_logprobs(std::string_view param) {
    report_.refuse(param, "unsupported_parameter", "Claude does not return log probabilities.");
  }

  void read_moderation() {
    const Value moderation = request_["moderation"];
    if (is_as_left_out(moderation)) return;
    for (const char* side : {"input", "output"})
      if (moderation["policy"][side]["mode"].text().escaped == "block")
        return report_.refuse("moderation", "unsupported_value",
                              "Moderation that blocks is not available.");
    report_.ignore("moderation");
  }

  void read_stop() {
    std::string list;
    for (const char* name : {"stop", "stop_sequences"}) add_stops(name, list);
    if (!list.empty())
      parameters_.members.append(R"(,"stop_sequences":[)").append(list).append("]");
  }

  void add_stops(std::string_view name, std::string& list) {
    const Value stop = request_[name];
    if (stop.is_absent()) return;
    if (!stop.is_string() && !stop.is_array())
      return report_.refuse_type(name, "a string or an array of strings");
    const auto add = [&](Value text) {
      if (text.is_absent()) return;
      if (!text.is_string()) return report_.refuse_type(name, "a string or an array of strings");
      if (!json::is_blank(text.text())) {
        list.append(list.empty() ? "" : ",").append(text.raw());
      } else if (!text.text().empty()) {
        report_.ignore(name);  // upstream refuses a stop sequence of white space
      }
    };
    if (stop.is_string()) add(stop);
    for (const Value text : stop.children()) add(text);
  }

  // Sends the user as a hash, since upstream wants an id without personal data.
  void read_user() {
    Value user = request_["safety_identifier"];
    if (user.text().empty()) user = request_["user"];
    if (user.text().empty()) return;
    parameters_.members.append(R"(,"metadata":{"user_id":")")
        .append(hex(sha256(user.decoded())))
        .append("\"}");
  }

  void read_service_tier() {
    const std::string_view tier = request_["service_tier"].text().escaped;
    if (tier.empty() || tier == "auto") return;
    if (tier == "default" || tier == "flex" || tier == "scale") {
      if (tier != "default") report_.ignore("service_tier");
      parameters_.members += R"(,"service_tier":"standard_only")";
    } else if (tier == "priority" || tier == "fast" ||
               (routes_ == kResponses && tier == "ultrafast")) {
      if (context_.options.fast_mode && context_.can.fast_mode)
        parameters_.members += R"(,"speed":"fast")";
    } else {
      report_.refuse("service_tier", "invalid_value",
                     "A service tier is one of auto, default, flex, scale, priority and fast.");
    }
  }

  void read_verbosity() {
    const bool is_in_text = routes_ == kResponses;
    const std::string_view verbosity =
        (is_in_text ? request_["text"]["verbosity"] : request_["verbosity"]).text().escaped;
    if (verbosity.empty() || verbosity == "medium") return;
    if (!context_.options.verbosity_hint)
      return report_.ignore(is_in_text ? "text.verbosity" : "verbosity");
    if (verbosity == "low") parameters_.hint = "Keep your answers short.";
    if (verbosity == "high") parameters_.hint = "Answer at length and in detail.";
  }

  void read_number(std::string_view name, double max, Value& value) {
    value = request_[name];
    const auto number = value.number();
    if (number && (*number < 0 || *number > max))
      report_.refuse(name, "invalid_value", fmt::format("'{}' goes from 0 to {}.", name, max));
  }

  Value request_;
  unsigned routes_;
  bool is_completion_;
  const RequestContext& context_;
  Report& report_;
  RequestParameters parameters_;
};

}  // namespace

RequestParameters read_parameters(Value request, Route route, const RequestContext& context,
                                  Report& report) {
  return Parameters(request, route, context, report).run();
}

std::string settle_sampling(const RequestParameters& parameters, bool allowed, Report& report) {
  std::string members;
  const auto temperature = parameters.temperature.number();
  const bool sends_temperature = temperature && *temperature < 1;
  if (sends_temperature && allowed)
    members.append(R"(,"temperature":)").append(parameters.temperature.raw());
  else if (temperature && *temperature != 1 && !allowed)
    report.ignore("temperature");
  const auto top_p = parameters.top_p.number();
  if (top_p && *top_p < 1) {
    if (allowed && !sends_temperature)
      members.append(R"(,"top_p":)").append(parameters.top_p.raw());
    else
      report.ignore("top_p");
  }
  if (const auto top_k = parameters.top_k.integer(); top_k && *top_k > 0) {
    if (allowed)
      members.append(R"(,"top_k":)").append(std::to_string(*top_k));
    else
      report.ignore("top_k");
  }
  return members;
}

}  // namespace ccproxy::dialect
