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
constexpr std::int64_t kLeastBudget = 1024;
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

// The level whose budget is nearest.
ReasoningLevel level_of(std::int64_t budget) {
  auto nearest = ReasoningLevel::kMinimal;
  for (std::size_t i = 1; i < kBudgets.size(); ++i)
    if (std::llabs(kBudgets[i] - budget) < std::llabs(budget_of(nearest) - budget))
      nearest = static_cast<ReasoningLevel>(i);
  return nearest;
}

void read_level(Value value, std::string_view param, ReasoningRequest& wish, Report& report) {
  if (value.is_object()) value = value["effort"];  // as some SDKs write it
  if (value.is_absent() || (value.is_string() && value.text().empty())) return;
  if (!value.is_string()) return report.refuse_type(param, "a string");
  const auto level = reasoning_level(value.text().escaped);
  if (!level)
    return report.refuse(param, "invalid_value",
                         fmt::format("'{}' is one of {}.", param, fmt::join(kLevels, ", ")));
  if (wish.level) return;
  wish.level = level;
  wish.param = param;
}

void read_budget(Value value, std::string_view param, ReasoningRequest& wish, Report& report) {
  if (value.is_absent()) return;
  const auto budget = value.integer();
  if (!budget) return report.refuse_type(param, "an integer");
  if (!wish.level && !wish.budget) wish.param = param;
  if (!wish.budget) wish.budget = *budget;
}

void switch_thinking(Value on, std::string_view param, ReasoningRequest& wish, Report& report) {
  if (on.is_absent()) return;
  if (!on.boolean()) return report.refuse_type(param, "a boolean");
  if (wish.level || wish.budget || wish.thinking.is_object()) return;
  wish.level = *on.boolean() ? ReasoningLevel::kMedium : ReasoningLevel::kNone;
  wish.param = param;
}

// The decision, in steps from what the client said to what its model takes.
class ThinkingPlanner {
 public:
  ThinkingPlanner(const ReasoningRequest& wish, const ThinkingContext& context, Report& report)
      : wish_(wish), context_(context), can_(context.can), report_(report) {}

  ThinkingChoice run() {
    if (wish_.thinking.is_object() && takes(wish_.thinking)) {
      choice_.json = wish_.thinking.raw();
      is_manual_ = type_of(wish_.thinking) == "enabled";
      choice_.is_on = is_manual_ || type_of(wish_.thinking) == "adaptive";
      if (wish_.level && *wish_.level != ReasoningLevel::kNone) set_effort(*wish_.level);
    } else {
      choose(wished_level());
    }
    drop_where_impossible();
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

  // The answer may have become shorter than the client has reckoned with.
  [[nodiscard]] bool is_budget(Value tokens) const {
    const auto budget = tokens.integer();
    return budget && *budget >= kLeastBudget && *budget < context_.max_tokens;
  }

  // Only manual models take a budget as it is; for others it stands for a level.
  [[nodiscard]] std::optional<ReasoningLevel> wished_level() const {
    if (wish_.level) return wish_.level;
    if (wish_.budget && !is_manual_only()) return level_of(*wish_.budget);
    if (wish_.budget) return ReasoningLevel::kMedium;
    if (!wish_.thinking.is_object()) return std::nullopt;
    const std::string_view type = type_of(wish_.thinking);
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
      if (*level != ReasoningLevel::kNone) report_.ignore(wish_.param);
    } else if (*level == ReasoningLevel::kNone) {
      switch_off();
    } else {
      set_effort(*level);
      if (is_manual_only())
        think_within_budget(wish_.budget.value_or(budget_of(*level)));
      else if (can_.thinking.standard == ThinkingState::kOff || shows_thought())
        think_adaptively();
      choice_.is_on = choice_.is_on || !is_manual_only();
    }
  }

  void switch_off() {
    if (is_manual_only()) return;
    switch (can_.thinking.off) {
      case ThinkingOff::kNone:
        report_.warn("effort_forced_low", wish_.param);
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

  [[nodiscard]] bool shows_thought() const {
    if (can_.thinking.display != ThinkingDisplay::kOmitted) return false;
    if (context_.display == ReasoningDisplay::kAuto) return !wish_.is_hidden;
    return context_.display == ReasoningDisplay::kSummarized;
  }

  void think_adaptively() {
    choice_.json = shows_thought() ? R"({"type":"adaptive","display":"summarized"})"
                                   : R"({"type":"adaptive"})";
    choice_.is_on = true;
  }

  void think_within_budget(std::int64_t budget) {
    constexpr std::int64_t kShare = 5;  // four fifths of the answer at most
    budget = std::min(budget, context_.max_tokens / kShare * (kShare - 1) +
                                  context_.max_tokens % kShare * (kShare - 1) / kShare);
    if (budget < kLeastBudget) return report_.warn("thinking_dropped", wish_.param);
    choice_.json = fmt::format(R"({{"type":"enabled","budget_tokens":{}}})", budget);
    choice_.is_on = is_manual_ = true;
  }

  // With a budget, upstream takes neither a forced tool nor a call whose thinking is missing.
  void drop_where_impossible() {
    if (!is_manual_ || !(context_.is_forced || context_.lacks_thought)) return;
    report_.warn("thinking_dropped", wish_.param);
    choice_.json.clear();
    choice_.is_on = is_manual_ = false;
  }

  void bind_blocks() {
    if (!context_.has_thought || !can_.block_binding ||
        can_.preserved_thinking == anthropic::PreservedThinking::kNo)
      return;
    if (choice_.json.empty()) choice_.json = R"({"type":"adaptive"})";
    if (choice_.json.find(R"("adaptive")") == std::string::npos) return;
    choice_.binds_blocks = true;
    if (choice_.json.find("block_binding") != std::string::npos) return;
    choice_.json.pop_back();
    choice_.json.append(",").append(kBinding).append("}");
  }

  const ReasoningRequest& wish_;
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
  ReasoningRequest wish;
  read_level(request["reasoning_effort"], "reasoning_effort", wish, report);
  const Value reasoning = request["reasoning"];
  if (reasoning.is_object()) {
    read_level(reasoning["effort"], "reasoning.effort", wish, report);
    read_budget(reasoning["max_tokens"], "reasoning.max_tokens", wish, report);
    wish.is_hidden = reasoning["exclude"].boolean().value_or(false);
  } else if (!reasoning.is_absent()) {
    report.refuse_type("reasoning", "an object");
  }
  const Value thinking = request["thinking"];
  if (thinking.is_object() && !thinking.children().empty()) {
    wish.thinking = thinking;
    if (!wish.level && !wish.budget) wish.param = "thinking";
    read_budget(thinking["budget_tokens"], "thinking.budget_tokens", wish, report);
  } else if (!thinking.is_absent() && !thinking.is_object()) {
    report.refuse_type("thinking", "an object");
  }
  switch_thinking(reasoning["enabled"], "reasoning.enabled", wish, report);
  switch_thinking(request["enable_thinking"], "enable_thinking", wish, report);
  if (!wish.level && !wish.budget && !wish.thinking.is_object()) {
    wish.level = reasoning_level(suffix);
    wish.param = "model";
  }
  return wish;
}

ReasoningRequest read_responses_reasoning(Value reasoning, Value effort, std::string_view suffix,
                                          Report& report) {
  ReasoningRequest wish;
  if (!reasoning.is_absent() && !reasoning.is_object())
    report.refuse_type("reasoning", "an object");
  read_level(reasoning["effort"], "reasoning.effort", wish, report);
  read_level(effort, "reasoning_effort", wish, report);
  if (!wish.level) wish.level = reasoning_level(suffix);
  wish.is_hidden = reasoning["summary"].is_absent() && reasoning["generate_summary"].is_absent();
  for (const char* name : {"context", "mode"})
    if (!reasoning[name].is_absent()) report.ignore(fmt::format("reasoning.{}", name));
  return wish;
}

ThinkingChoice choose_thinking(const ReasoningRequest& wish, const ThinkingContext& context,
                               Report& report) {
  return ThinkingPlanner(wish, context, report).run();
}

}  // namespace ccproxy::dialect
