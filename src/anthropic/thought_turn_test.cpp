#include "anthropic/thought_turn.hpp"

#include <gtest/gtest.h>

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

TEST(ThoughtTurns, are_known_again_when_a_client_wrote_their_json_anew) {
  const auto turn = thought_turn(kBlocks);
  ASSERT_TRUE(turn);
  EXPECT_TRUE(says_the_same(*turn, "a\n", {{"toolu_1", "f", R"({ "y":[true], "x":1 })"}}));
}

TEST(ThoughtTurns, are_not_known_again_when_something_changed) {
  const auto turn = thought_turn(kBlocks);
  ASSERT_TRUE(turn);
  const std::string input = R"({"x":1.0,"y":[true]})";
  EXPECT_FALSE(says_the_same(*turn, "a", {{"toolu_1", "f", input}}));
  EXPECT_FALSE(says_the_same(*turn, "a\n", {{"toolu_2", "f", input}}));
  EXPECT_FALSE(says_the_same(*turn, "a\n", {{"toolu_1", "g", input}}));
  EXPECT_FALSE(says_the_same(*turn, "a\n", {{"toolu_1", "f", R"({"x":2,"y":[true]})"}}));
  EXPECT_FALSE(says_the_same(*turn, "a\n", {}));
}

}  // namespace
}  // namespace ccproxy::anthropic
