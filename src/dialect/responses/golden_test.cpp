// Responses of the upstream as files, and what a Responses client must get for them
// (tests/golden/responses_reply/README.md).
#include "dialect/testing/golden.hpp"
#include "dialect/testing/golden_plan.hpp"

namespace ccproxy::dialect {
namespace {

class ResponsesReplies : public test::GoldenReplyTest {};

TEST_P(ResponsesReplies, are_as_expected_at_every_fragment_size) {
  ASSERT_FALSE(file("expected_stream.txt").empty() || file("expected_whole.json").empty());
  expect_reply_at_every_fragment_size(test::golden_plan(file("plan.json"), false),
                                      test::replay_response);
}

INSTANTIATE_TEST_SUITE_P(Golden, ResponsesReplies,
                         testing::ValuesIn(test::golden_cases({"responses_reply"})),
                         test::golden_name);

}  // namespace
}  // namespace ccproxy::dialect
