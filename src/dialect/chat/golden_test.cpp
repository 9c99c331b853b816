// Responses of the upstream as files, and what a Chat Completions client must get for them
// (tests/golden/chat_reply/README.md).
#include "dialect/testing/golden.hpp"
#include "dialect/testing/golden_plan.hpp"

namespace ccproxy::dialect {
namespace {

class ChatReplies : public test::GoldenReplyTest {};

TEST_P(ChatReplies, are_as_expected_at_every_fragment_size) {
  expect_reply_at_every_fragment_size(
      test::golden_plan(file("plan.json"), true),
      [](const std::string& events, const ReplyPlan& plan, std::size_t fragment) {
        return test::replay(events, plan, fragment);
      });
}

INSTANTIATE_TEST_SUITE_P(Golden, ChatReplies, testing::ValuesIn(test::golden_cases({"chat_reply"})),
                         test::golden_name);

}  // namespace
}  // namespace ccproxy::dialect
