// What every encoder keeps about the reply that it writes: how far the reply is, what it has cost
// and why it ended. It refuses to know which bytes the client gets for an event.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "anthropic/event.hpp"
#include "base/status.hpp"
#include "dialect/reply/usage.hpp"
#include "dialect/reply_plan.hpp"

namespace ccproxy::dialect {

class ReplyState {
 public:
  // `plan` must outlive it.
  explicit ReplyState(const ReplyPlan& plan) : plan_(plan), tools_(plan) {}

  // Takes the start of an upstream message. A reply has several of them when a turn pauses: the
  // tokens add up, and the service tier stays that of the first.
  void start(const anthropic::MessageStart& start);
  // Takes the message's token counts and, when the delta names it, why the message stopped.
  void take(const anthropic::MessageDelta& delta);
  // The upstream message is complete.
  void stop() { phase_ = Phase::kStopped; }

  // Marks the reply as under way, also when it goes on after a pause. Returns true the first time.
  bool begin() { return std::exchange(phase_, Phase::kBegun) == Phase::kBeforeStart; }
  // The client has got the end of the reply.
  void end() { phase_ = Phase::kOver; }
  // The client has got an error whose status is `status`.
  void fail(int status);

  [[nodiscard]] bool has_begun() const { return phase_ != Phase::kBeforeStart; }
  // True when the last upstream message is complete and says why it stopped.
  [[nodiscard]] bool is_complete() const {
    return phase_ == Phase::kStopped && !stop_reason_.empty();
  }
  // True when the client has got the end of the reply, or an error.
  [[nodiscard]] bool is_over() const { return phase_ == Phase::kOver; }
  // True when the last upstream message stopped with pause_turn.
  [[nodiscard]] bool is_paused() const { return stop_reason_ == "pause_turn"; }
  // True when the model declined to answer.
  [[nodiscard]] bool is_refused() const { return stop_reason_ == "refusal"; }

  // 200, or the status of the error that ended the reply.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] bool has_failed() const { return status_ != status::kOk; }
  // The tokens of all upstream messages so far.
  [[nodiscard]] Tokens tokens() const { return usage_.sum(); }
  // Anthropic's word for why the last message stopped, still escaped; empty before it has.
  [[nodiscard]] std::string_view stop_reason() const { return stop_reason_; }
  // OpenAI's word for the service that was given; empty before the first message has started, and
  // for good where the reply began before it (a response in the background).
  [[nodiscard]] std::string_view service_tier() const { return service_tier_; }
  // Returns the text of the refusal, still escaped.
  [[nodiscard]] std::string refusal() const;

  [[nodiscard]] const ReplyPlan& plan() const { return plan_; }
  // The client's tool whose upstream name is `upstream`, as ToolsByName finds it.
  [[nodiscard]] const ToolName* find_tool(std::string_view upstream) {
    return tools_.find(upstream);
  }

 private:
  enum class Phase : std::uint8_t { kBeforeStart, kBegun, kStopped, kOver };

  const ReplyPlan& plan_;
  ToolsByName tools_;
  Phase phase_ = Phase::kBeforeStart;
  int status_ = status::kOk;
  std::string_view service_tier_{};  // a constant
  ReplyUsage usage_;
  std::string stop_reason_, category_, explanation_;  // still escaped
};

}  // namespace ccproxy::dialect
