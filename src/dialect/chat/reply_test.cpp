// What holds for every answer: the stream, put together as OpenAI's own client does it, is the
// whole answer; a turn that paused goes on as one answer; what breaks off is told and nothing
// follows.
#include "dialect/chat/encoder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "dialect/testing/fold.hpp"
#include "dialect/testing/replay.hpp"
#include "dialect/testing/script.hpp"

namespace ccproxy::dialect {
namespace {

// Both shapes of the answer to these events; the first fault, or nothing.
std::string fault_of(const std::string& events, ReplyPlan plan) {
  plan.stream = true;
  const std::string stream = test::replay(events, plan);
  plan.stream = false;
  return test::fault_of_answer(stream, test::replay(events, plan), plan);
}

TEST(ChatAnswer, streamed_and_put_together_is_the_whole_answer) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    test::Script script(seed);
    const ReplyPlan plan = script.plan();
    const std::string events = script.events();
    ASSERT_EQ(fault_of(events, plan), "") << "seed " << seed << "\n" << events;
  }
}

TEST(ChatAnswer, is_valid_and_the_same_whatever_the_upstream_sends) {
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

std::string ending(const std::string& reason) {
  return "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" + reason +
         "\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
}

TEST(ChatAnswer, P39_of_a_paused_turn_waits_for_the_next_message) {
  ReplyPlan plan;
  plan.stream = true;
  test::Replay run(plan);
  run.feed(kStart);
  run.feed(kText);
  EXPECT_FALSE(run.encoder().paused());
  run.feed(ending("pause_turn"));
  EXPECT_TRUE(run.encoder().paused());
  EXPECT_EQ(run.told().find("[DONE]"), std::string::npos);
  run.feed(kStart);
  EXPECT_FALSE(run.encoder().paused());
  run.feed(kText);
  run.feed(ending("end_turn"));
  EXPECT_FALSE(run.encoder().paused());
  const test::Folded streamed = test::folded(run.finish(), plan);
  EXPECT_EQ(streamed.fault, "");
  EXPECT_EQ(streamed.answer["choices"][0]["message"]["content"], "AA");
}

TEST(ChatAnswer, P40_P41_that_breaks_off_has_the_status_of_what_broke_it) {
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
  std::string told;
  late.encoder().fail({ErrorKind::kTimedOut, "too late"}, told);
  EXPECT_EQ(late.encoder().status(), 504);
  EXPECT_NE(told.find("too late"), std::string::npos);
}

TEST(ChatAnswer, tells_nothing_after_an_error) {
  ReplyPlan plan;
  plan.stream = true;
  test::Replay run(plan);
  run.feed(kStart);
  std::string told;
  run.encoder().fail({ErrorKind::kUpstreamBroke, "broke"}, told);
  const std::string before = run.told();
  run.feed(kText);
  run.feed(ending("end_turn"));
  EXPECT_EQ(run.finish(), before);
  told.clear();
  run.encoder().fail({ErrorKind::kUpstreamBroke, "again"}, told);
  EXPECT_EQ(told, "");
}

}  // namespace
}  // namespace ccproxy::dialect
