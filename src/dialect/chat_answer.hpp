// Which encoder writes an answer to a Chat Completions client.
#pragma once

#include <memory>

#include "dialect/chat_encoder.hpp"

namespace ccproxy::dialect {

// Streamed or whole, chat or the legacy completions, as the plan says. `plan` must outlive it.
[[nodiscard]] std::unique_ptr<ReplyEncoder> chat_answer(const ReplyPlan& plan,
                                                        ReplyIdentity identity);

}  // namespace ccproxy::dialect
