#include "anthropic/thought_turn.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy::anthropic {
namespace {

constexpr const char* kBlocks =
    R"({"type":"thinking","thinking":"","signature":"S"},{"type":"text","text":"a\n"},)"
    R"({"type":"tool_use","id":"toolu_1","name":"f","input":{"x":1.0,"y":[true]}})";

TEST(ThoughtTurns, keep_what_a_turn_said) {
  const auto turn = thought_turn(kBlocks);
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->blocks, kBlocks);
  EXPECT_EQ(turn->text, "a\n");
  ASSERT_EQ(turn->calls.size(), 1U);
  EXPECT_EQ(turn->calls[0].input, R"({"x":1.0,"y":[true]})");
}

TEST(ThoughtTurns, are_not_kept_without_thought_or_call) {
  EXPECT_FALSE(thought_turn(R"({"type":"thinking","thinking":"x","signature":"S"})"));
  EXPECT_FALSE(thought_turn(R"({"type":"tool_use","id":"t","name":"f","input":{}})"));
  EXPECT_FALSE(thought_turn(""));
  EXPECT_FALSE(thought_turn("{"));
}

TEST(ThoughtTurns, without_thought_are_known_but_for_their_blocks) {
  const auto turn = called_turn(R"({"type":"tool_use","id":"t","name":"f","input":{}})", 0);
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->blocks, "");
  EXPECT_EQ(turn->calls.size(), 1U);
  EXPECT_FALSE(called_turn(R"({"type":"text","text":"a"})", 0));
}

struct Calls {
  const char* says;
  std::vector<ToolCall> calls;
  bool are_the_same;
};

const Calls kCalls[] = {
    {"JSON that was written anew", {{"toolu_1", "f", R"({ "y":[true], "x":1 })"}}, true},
    {"another id", {{"toolu_2", "f", R"({"x":1.0,"y":[true]})"}}, true},
    {"another tool", {{"toolu_1", "g", R"({"x":1.0,"y":[true]})"}}, false},
    {"another input", {{"toolu_1", "f", R"({"x":2,"y":[true]})"}}, false},
    {"no call", {}, false},
};

TEST(ThoughtTurns, are_known_again_by_what_they_have_called) {
  const auto turn = thought_turn(kBlocks, 7);
  ASSERT_TRUE(turn);
  for (const Calls& row : kCalls) {
    EXPECT_EQ(calls_the_same(*turn, row.calls), row.are_the_same) << row.says;
    EXPECT_EQ(turn->likeness == likeness_of(7, row.calls), row.are_the_same) << row.says;
    EXPECT_NE(turn->likeness, likeness_of(8, row.calls)) << row.says;
  }
}

}  // namespace
}  // namespace ccproxy::anthropic
