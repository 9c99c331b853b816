#include "dialect/chat_answer.hpp"

#include <utility>

#include "dialect/chat_reply.hpp"
#include "dialect/chat_stream.hpp"
#include "dialect/completion.hpp"

namespace ccproxy::dialect {

std::unique_ptr<ReplyEncoder> chat_answer(const ReplyPlan& plan, ReplyIdentity identity) {
  if (plan.text_completion) {
    if (plan.stream) return std::make_unique<CompletionStream>(plan, std::move(identity));
    return std::make_unique<CompletionReply>(plan, std::move(identity));
  }
  if (plan.stream) return std::make_unique<ChatStream>(plan, std::move(identity));
  return std::make_unique<ChatReply>(plan, std::move(identity));
}

}  // namespace ccproxy::dialect
