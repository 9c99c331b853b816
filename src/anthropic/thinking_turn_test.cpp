#include "anthropic/thinking_turn.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy::anthropic {
namespace {

constexpr const char* kBlocks =
    R"({"type":"thinking","thinking":"","signature":"S"},{"type":"text","text":"a\n"},)"
    R"({"type":"tool_use","id":"toolu_1","name":"f","input":{"x":1.0,"y":[true]}})";

TEST(ThinkingTurn, has_the_blocks_the_text_and_the_calls_of_a_turn) {
  const auto turn = thinking_turn(kBlocks);
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->blocks, kBlocks);
  EXPECT_EQ(turn->text, "a\n");
  ASSERT_EQ(turn->calls.size(), 1U);
  EXPECT_EQ(turn->calls[0].input, R"({"x":1.0,"y":[true]})");
}

TEST(ThinkingTurn, needs_thinking_and_a_call) {
  EXPECT_FALSE(thinking_turn(R"({"type":"thinking","thinking":"x","signature":"S"})"));
  EXPECT_FALSE(thinking_turn(R"({"type":"tool_use","id":"t","name":"f","input":{}})"));
  EXPECT_FALSE(thinking_turn(""));
  EXPECT_FALSE(thinking_turn("{"));
}

TEST(ThinkingTurn, without_thinking_has_calls_but_no_blocks) {
  const auto turn = turn_with_calls(R"({"type":"tool_use","id":"t","name":"f","input":{}})", 0);
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->blocks, "");
  EXPECT_EQ(turn->calls.size(), 1U);
  EXPECT_FALSE(turn_with_calls(R"({"type":"text","text":"a"})", 0));
}

struct Calls {
  const char* description;
  std::vector<ToolCall> calls;
  bool are_the_same;
};

const Calls kCalls[] = {
    {"inputs may be written differently", {{"toolu_1", "f", R"({ "y":[true], "x":1 })"}}, true},
    {"ids may differ", {{"toolu_2", "f", R"({"x":1.0,"y":[true]})"}}, true},
    {"names must be equal", {{"toolu_1", "g", R"({"x":1.0,"y":[true]})"}}, false},
    {"inputs must have the same value", {{"toolu_1", "f", R"({"x":2,"y":[true]})"}}, false},
    {"the number of calls must be equal", {}, false},
};

TEST(ThinkingTurn, is_recognized_by_its_calls) {
  const auto turn = thinking_turn(kBlocks, 7);
  ASSERT_TRUE(turn);
  for (const Calls& row : kCalls) {
    EXPECT_EQ(has_same_calls(*turn, row.calls), row.are_the_same) << row.description;
    EXPECT_EQ(turn->likeness == likeness_of(7, row.calls), row.are_the_same) << row.description;
    EXPECT_NE(turn->likeness, likeness_of(8, row.calls)) << row.description;
  }
}

}  // namespace
}  // namespace ccproxy::anthropic
