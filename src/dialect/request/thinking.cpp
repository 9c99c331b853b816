#include "dialect/request/thinking.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace ccproxy::dialect {
namespace {

using anthropic::Effort;
using anthropic::ManualThinking;
using anthropic::ThinkingDisplay;
using anthropic::ThinkingOff;
using anthropic::ThinkingState;
using json::Value;

constexpr std::array<std::string_view, 7> kLevels = {"none", "minimal", "low", "medium",
                                                     "high", "xhigh",   "max"};
constexpr std::array<std::int64_t, 7> kBudgets = {0, 1024, 2048, 8192, 24576, 32768, 32768};
constexpr std::int64_t kMinBudget = 1024;
constexpr std::string_view kBinding =
    R"("block_binding":{"prefix_mismatch_behavior":"drop_block"})";

Effort effort_of(ReasoningLevel level) {
  switch (level) {
    case ReasoningLevel::kMedium: return Effort::kMedium;
    case ReasoningLevel::kHigh: return Effort::kHigh;
    case ReasoningLevel::kXhigh: return Effort::kXhigh;
    case ReasoningLevel::kMax: return Effort::kMax;
    default: return Effort::kLow;
  }
}

std::int64_t budget_of(ReasoningLevel level) { return kBudgets[static_cast<std::size_t>(level)]; }

// The level whose budget is nearest to `budget`, in tokens.
ReasoningLevel level_of(std::int64_t budget) {
  auto nearest = ReasoningLevel::kMinimal;
  for (std::size_t i = 1; i < kBudgets.size(); ++i)
    if (std::llabs(kBudgets[i] - budget) < std::llabs(budget_of(nearest) - budget))
      nearest = static_cast<ReasoningLevel>(i);
  return nearest;
}

void read_level(Value value, std::string_view param, ReasoningRequest& request, Report& report) {
  if (value.is_object()) value = value["effort"];  // as some SDKs write it
  if (value.is_absent() || (value.is_string() && value.text().empty())) return;
  if (!value.is_string()) return report.refuse_type(param, "a string");
  const auto level = reasoning_level(value.text().escaped);
  if (!level)
    return report.refuse(param, "invalid_value",
                         fmt::format("'{}' is one of {}.", param, fmt::join(kLevels, ", ")));
  if (request.level) return;
  request.level = level;
  request.param = param;
}

void read_budget(Value value, std::string_view param, ReasoningRequest& request, Report& report) {
  if (value.is_absent()) return;
  const auto budget = value.integer();
  if (!budget) return report.refuse_type(param, "an integer");
  if (!request.level && !request.budget) request.param = param;
  if (!request.budget) request.budget = *budget;
}

void switch_thinking(Value on, std::string_view param, ReasoningRequest& request, Report& report) {
  if (on.is_absent()) return;
  if (!on.boolean()) return report.refuse_type(param, "a boolean");
  if (request.level || request.budget || request.thinking.is_object()) return;
  request.level = *on.boolean() ? ReasoningLevel::kMedium : ReasoningLevel::kNone;
  request.param = param;
}

// Plans the thinking, in steps from what the client has requested to what its model takes.
class ThinkingPlanner {
 public:
  ThinkingPlanner(const ReasoningRequest& request, const ThinkingContext& context, Report& report)
      : request_(request), context_(context), can_(context.can), report_(report) {}

  ThinkingChoice run() {
    if (request_.thinking.is_object() && takes(request_.thinking)) {
      choice_.json = request_.thinking.raw();
      is_manual_ = type_of(request_.thinking) == "enabled";
      choice_.is_on = is_manual_ || type_of(request_.thinking) == "adaptive";
      if (request_.level && *request_.level != ReasoningLevel::kNone) set_effort(*request_.level);
    } else {
      choose(requested_level());
    }
    drop_where_refused();
    bind_blocks();
    return std::move(choice_);
  }

 private:
  static std::string_view type_of(Value thinking) { return thinking["type"].text().escaped; }

  [[nodiscard]] bool takes(Value thinking) const {
    const std::string_view type = type_of(thinking);
    if (type == "enabled")
      return can_.thinking.manual != ManualThinking::kNo && is_budget(thinking["budget_tokens"]);
    if (type == "adaptive") return can_.thinking.adaptive;
    if (type == "between_tools") return can_.thinking.off == ThinkingOff::kBetweenTools;
    return type == "disabled" && (can_.thinking.off == ThinkingOff::kDisabled ||
                                  (can_.thinking.off == ThinkingOff::kOmit &&
                                   can_.thinking.standard == ThinkingState::kOff));
  }

  // A budget must be less than max_tokens, which may be less than the client has requested.
  [[nodiscard]] bool is_budget(Value tokens) const {
    const auto budget = tokens.integer();
    return budget && *budget >= kMinBudget && *budget < context_.max_tokens;
  }

  // Only models with manual thinking take a budget; for others it stands for a level.
  [[nodiscard]] std::optional<ReasoningLevel> requested_level() const {
    if (request_.level) return request_.level;
    if (request_.budget && !is_manual_only()) return level_of(*request_.budget);
    if (request_.budget) return ReasoningLevel::kMedium;
    if (!request_.thinking.is_object()) return std::nullopt;
    const std::string_view type = type_of(request_.thinking);
    if (type == "disabled" || type == "between_tools") return ReasoningLevel::kNone;
    return ReasoningLevel::kMedium;
  }

  [[nodiscard]] bool is_manual_only() const {
    return !can_.thinking.adaptive && can_.thinking.manual != ManualThinking::kNo;
  }

  void choose(std::optional<ReasoningLevel> level) {
    if (!level) {
      if (context_.display == ReasoningDisplay::kSummarized &&
          can_.thinking.standard != ThinkingState::kOff && can_.thinking.adaptive)
        think_adaptively();
    } else if (can_.thinking.standard == ThinkingState::kNone) {
      if (*level != ReasoningLevel::kNone) report_.ignore(request_.param);
    } else if (*level == ReasoningLevel::kNone) {
      switch_off();
    } else {
      set_effort(*level);
      if (is_manual_only())
        think_within_budget(request_.budget.value_or(budget_of(*level)));
      else if (can_.thinking.standard == ThinkingState::kOff || shows_thinking())
        think_adaptively();
      choice_.is_on = choice_.is_on || !is_manual_only();
    }
  }

  void switch_off() {
    if (is_manual_only()) return;
    switch (can_.thinking.off) {
      case ThinkingOff::kNone:
        report_.warn("effort_forced_low", request_.param);
        set_effort(ReasoningLevel::kLow);
        return;
      case ThinkingOff::kBetweenTools: choice_.json = R"({"type":"between_tools"})"; return;
      case ThinkingOff::kOmit:
      case ThinkingOff::kDisabled: choice_.json = R"({"type":"disabled"})"; return;
    }
  }

  void set_effort(ReasoningLevel level) {
    if (!can_.efforts.empty()) choice_.effort = can_.efforts.nearest(effort_of(level));
  }

  [[nodiscard]] bool shows_thinking() const {
    if (can_.thinking.display != ThinkingDisplay::kOmitted) return false;
    if (context_.display == ReasoningDisplay::kAuto) return !request_.is_hidden;
    return context_.display == ReasoningDisplay::kSummarized;
  }

  void think_adaptively() {
    choice_.json = shows_thinking() ? R"({"type":"adaptive","display":"summarized"})"
                                    : R"({"type":"adaptive"})";
    choice_.is_on = true;
  }

  void think_within_budget(std::int64_t budget) {
    constexpr std::int64_t kShare = 5;  // at most four fifths of max_tokens
    budget = std::min(budget, context_.max_tokens / kShare * (kShare - 1) +
                                  context_.max_tokens % kShare * (kShare - 1) / kShare);
    if (budget < kMinBudget) return report_.warn("thinking_dropped", request_.param);
    choice_.json = fmt::format(R"({{"type":"enabled","budget_tokens":{}}})", budget);
    choice_.is_on = is_manual_ = true;
  }

  // Upstream refuses a budget with a forced tool, and with a call whose thinking is missing.
  void drop_where_refused() {
    if (!is_manual_ || !(context_.is_forced || context_.lacks_thinking)) return;
    report_.warn("thinking_dropped", request_.param);
    choice_.json.clear();
    choice_.is_on = is_manual_ = false;
  }

  void bind_blocks() {
    if (!context_.has_thinking || !can_.block_binding ||
        can_.preserved_thinking == anthropic::PreservedThinking::kNo)
      return;
    if (choice_.json.empty()) choice_.json = R"({"type":"adaptive"})";
    if (choice_.json.find(R"("adaptive")") == std::string::npos) return;
    choice_.binds_blocks = true;
    if (choice_.json.find("block_binding") != std::string::npos) return;
    choice_.json.pop_back();
    choice_.json.append(",").append(kBinding).append("}");
  }

  const ReasoningRequest& request_;
  const ThinkingContext& context_;
  const anthropic::Capabilities& can_;
  Report& report_;
  ThinkingChoice choice_;
  bool is_manual_ = false;
};

}  // namespace

std::optional<ReasoningLevel> reasoning_level(std::string_view name) {
  const auto* const found = std::find(kLevels.begin(), kLevels.end(), name);
  if (found == kLevels.end()) return std::nullopt;
  return static_cast<ReasoningLevel>(found - kLevels.begin());
}

ReasoningRequest read_reasoning(Value request, std::string_view suffix, Report& report) {
  ReasoningRequest read;
  read_level(request["reasoning_effort"], "reasoning_effort", read, report);
  const Value reasoning = request["reasoning"];
  if (reasoning.is_object()) {
    read_level(reasoning["effort"], "reasoning.effort", read, report);
    read_budget(reasoning["max_tokens"], "reasoning.max_tokens", read, report);
    read.is_hidden = reasoning["exclude"].boolean().value_or(false);
  } else if (!reasoning.is_absent()) {
    report.refuse_type("reasoning", "an object");
  }
  const Value thinking = request["thinking"];
  if (thinking.is_object() && !thinking.children().empty()) {
    read.thinking = thinking;
    if (!read.level && !read.budget) read.param = "thinking";
    read_budget(thinking["budget_tokens"], "thinking.budget_tokens", read, report);
  } else if (!thinking.is_absent() && !thinking.is_object()) {
    report.refuse_type("thinking", "an object");
  }
  switch_thinking(reasoning["enabled"], "reasoning.enabled", read, report);
  switch_thinking(request["enable_thinking"], "enable_thinking", read, report);
  if (!read.level && !read.budget && !read.thinking.is_object()) {
    read.level = reasoning_level(suffix);
    read.param = "model";
  }
  return read;
}

ReasoningRequest read_responses_reasoning(Value reasoning, Value effort, std::string_view suffix,
                                          Report& report) {
  ReasoningRequest request;
  if (!reasoning.is_absent() && !reasoning.is_object())
    report.refuse_type("reasoning", "an object");
  read_level(reasoning["effort"], "reasoning.effort", request, report);
  read_level(effort, "reasoning_effort", request, report);
  if (!request.level) request.level = reasoning_level(suffix);
  request.is_hidden = reasoning["summary"].is_absent() && reasoning["generate_summary"].is_absent();
  for (const char* name : {"context", "mode"})
    if (!reasoning[name].is_absent()) report.ignore(fmt::format("reasoning.{}", name));
  return request;
}

ThinkingChoice choose_thinking(const ReasoningRequest& request, const ThinkingContext& context,
                               Report& report) {
  return ThinkingPlanner(request, context, report).run();
}

}  // namespace ccproxy::dialect
