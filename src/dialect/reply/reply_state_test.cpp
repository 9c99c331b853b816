#include "dialect/reply/reply_state.hpp"

#include <gtest/gtest.h>

namespace ccproxy::dialect {
namespace {

anthropic::MessageStart started(const char* tier, std::int64_t input) {
  anthropic::MessageStart start{.service_tier = {tier}};
  start.tokens.input = input;
  return start;
}

anthropic::MessageDelta stopped(const char* reason, std::int64_t output) {
  anthropic::MessageDelta delta{.stop_reason = {reason}};
  delta.tokens.output = output;
  return delta;
}

TEST(ReplyState, is_complete_when_the_message_has_stopped_and_says_why) {
  const ReplyPlan plan;
  ReplyState reply(plan);
  EXPECT_FALSE(reply.has_begun());
  reply.start(started("standard", 1));
  EXPECT_TRUE(reply.begin()) << "the first time";
  EXPECT_FALSE(reply.begin());
  reply.take(stopped("end_turn", 1));
  EXPECT_FALSE(reply.is_complete()) << "message_stop is missing";
  reply.stop();
  EXPECT_TRUE(reply.is_complete());
  EXPECT_FALSE(reply.is_over()) << "the client has not got the end";
  reply.end();
  EXPECT_TRUE(reply.is_over());
  EXPECT_FALSE(reply.has_failed());
}

TEST(ReplyState, is_not_complete_without_a_stop_reason) {
  const ReplyPlan plan;
  ReplyState reply(plan);
  reply.start(started("", 1));
  reply.begin();
  reply.take(stopped("", 1));
  reply.stop();
  EXPECT_FALSE(reply.is_complete());
}

TEST(ReplyState, adds_up_the_messages_of_a_paused_turn) {
  const ReplyPlan plan;
  ReplyState reply(plan);
  reply.start(started("priority", 10));
  reply.begin();
  reply.take(stopped("pause_turn", 1));
  reply.stop();
  EXPECT_TRUE(reply.is_paused());
  reply.start(started("standard", 20));
  EXPECT_FALSE(reply.is_paused());
  EXPECT_EQ(reply.stop_reason(), "");
  EXPECT_FALSE(reply.begin()) << "it goes on";
  reply.take(stopped("end_turn", 2));
  EXPECT_EQ(reply.tokens().input, 30);
  EXPECT_EQ(reply.tokens().output, 3);
  EXPECT_EQ(reply.service_tier(), "priority") << "that of the first message";
}

TEST(ReplyState, knows_no_service_tier_before_a_message_has_started) {
  const ReplyPlan plan;
  ReplyState reply(plan);
  EXPECT_EQ(reply.service_tier(), "");
  reply.begin();
  reply.start(started("priority", 1));
  EXPECT_EQ(reply.service_tier(), "") << "a reply that began before its message names none";
}

TEST(ReplyState, has_the_words_of_a_refusal) {
  const ReplyPlan plan;
  ReplyState reply(plan);
  reply.take({.stop_reason = {"refusal"}, .category = {"cyber"}});
  EXPECT_TRUE(reply.is_refused());
  EXPECT_EQ(reply.refusal(), "The model declined to answer this request (cyber).");
  reply.take({.stop_reason = {"refusal"}, .explanation = {"No."}});
  EXPECT_EQ(reply.refusal(), "No.");
}

TEST(ReplyState, is_over_with_the_status_of_an_error) {
  const ReplyPlan plan;
  ReplyState reply(plan);
  EXPECT_EQ(reply.status(), 200);
  reply.fail(503);
  EXPECT_TRUE(reply.is_over());
  EXPECT_TRUE(reply.has_failed());
  EXPECT_EQ(reply.status(), 503);
}

TEST(ReplyState, finds_the_tools_of_its_plan) {
  ReplyPlan plan;
  plan.tools = {{"upstream_name", "client name", ToolShape::kCustom}};
  ReplyState reply(plan);
  ASSERT_NE(reply.find_tool("upstream_name"), nullptr);
  EXPECT_EQ(reply.find_tool("upstream_name")->client, "client name");
  EXPECT_EQ(reply.find_tool("other"), nullptr);
}

}  // namespace
}  // namespace ccproxy::dialect
