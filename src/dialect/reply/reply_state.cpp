#include "dialect/reply/reply_state.hpp"

#include "dialect/reply/openai_terms.hpp"

namespace ccproxy::dialect {

void ReplyState::start(const anthropic::MessageStart& start) {
  if (!has_begun()) service_tier_ = service_tier_of(start.service_tier.escaped, start.fast);
  stop_reason_.clear();
  usage_.begin_message();
  usage_.take(start.tokens);
}

void ReplyState::take(const anthropic::MessageDelta& delta) {
  usage_.take(delta.tokens);
  if (delta.stop_reason.empty()) return;
  stop_reason_ = delta.stop_reason.escaped;
  category_ = delta.category.escaped;
  explanation_ = delta.explanation.escaped;
}

void ReplyState::fail(int status) {
  status_ = status;
  phase_ = Phase::kOver;
}

std::string ReplyState::refusal() const { return refusal_text(explanation_, category_); }

}  // namespace ccproxy::dialect
