// What holds for every reply of Chat Completions: the stream, accumulated as OpenAI's own client
// does it, equals the whole reply; a turn that pauses goes on as one reply; one that breaks off
// ends with an error, and nothing follows.
#include "dialect/chat/encoder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "dialect/testing/fold.hpp"
#include "dialect/testing/replay.hpp"
#include "dialect/testing/script.hpp"

namespace ccproxy::dialect {
namespace {

// Returns the first fault of the two shapes of the reply to these events; "" without a fault.
std::string fault_of(const std::string& events, ReplyPlan plan) {
  plan.stream = true;
  const std::string stream = test::replay(events, plan);
  plan.stream = false;
  return test::fault_of_reply(stream, test::replay(events, plan), plan);
}

TEST(ChatReplyShapes, accumulate_to_the_same_reply) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    test::Script script(seed);
    const ReplyPlan plan = script.plan();
    const std::string events = script.events();
    ASSERT_EQ(fault_of(events, plan), "") << "seed " << seed << "\n" << events;
  }
}

TEST(ChatReplyShapes, are_valid_and_equal_whatever_the_upstream_sends) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    test::Script script(seed);
    const ReplyPlan plan = script.plan();
    const std::string events = script.damaged(script.events());
    ASSERT_EQ(fault_of(events, plan), "") << "seed " << seed << "\n" << events;
  }
}

constexpr std::string_view kStart =
    "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":10}}}\n\n";
constexpr std::string_view kText =
    "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
    "\"text\":\"A\"}}\n\n"
    "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n";

std::string stop_events(const std::string& reason) {
  return "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" + reason +
         "\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
}

TEST(ChatEncoder, continues_a_paused_turn_with_the_next_message_p39) {
  ReplyPlan plan;
  plan.stream = true;
  test::Replay run(plan);
  run.feed(kStart);
  run.feed(kText);
  EXPECT_FALSE(run.encoder().paused());
  run.feed(stop_events("pause_turn"));
  EXPECT_TRUE(run.encoder().paused());
  EXPECT_EQ(run.output().find("[DONE]"), std::string::npos);
  run.feed(kStart);
  EXPECT_FALSE(run.encoder().paused());
  run.feed(kText);
  run.feed(stop_events("end_turn"));
  EXPECT_FALSE(run.encoder().paused());
  const test::Folded streamed = test::folded(run.finish(), plan);
  EXPECT_EQ(streamed.fault, "");
  EXPECT_EQ(streamed.reply["choices"][0]["message"]["content"], "AA");
}

TEST(ChatEncoder, has_the_status_of_the_error_that_ended_the_reply_p40_p41) {
  ReplyPlan plan;
  test::Replay overloaded(plan);
  overloaded.feed(kStart);
  EXPECT_EQ(overloaded.encoder().status(), 200);
  overloaded.feed("data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n");
  EXPECT_EQ(overloaded.encoder().status(), 503);

  test::Replay cut(plan);
  cut.feed(kStart);
  (void)cut.finish();
  EXPECT_EQ(cut.encoder().status(), 502);

  test::Replay late(plan);
  std::string output;
  late.encoder().fail({ErrorKind::kTimedOut, "too late"}, output);
  EXPECT_EQ(late.encoder().status(), 504);
  EXPECT_NE(output.find("too late"), std::string::npos);
}

TEST(ChatEncoder, emits_nothing_after_an_error) {
  ReplyPlan plan;
  plan.stream = true;
  test::Replay run(plan);
  run.feed(kStart);
  std::string output;
  run.encoder().fail({ErrorKind::kUpstreamBroke, "broke"}, output);
  const std::string before = run.output();
  run.feed(kText);
  run.feed(stop_events("end_turn"));
  EXPECT_EQ(run.finish(), before);
  output.clear();
  run.encoder().fail({ErrorKind::kUpstreamBroke, "again"}, output);
  EXPECT_EQ(output, "");
}

}  // namespace
}  // namespace ccproxy::dialect
