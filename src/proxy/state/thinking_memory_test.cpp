#include "proxy/state/thinking_memory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ccproxy::proxy {
namespace {

using std::chrono::minutes;

const ThinkingScope kScope{"me", "opus-5-5", "phone"};
const Clock::time_point kNow = Clock::time_point(std::chrono::hours(1000));

anthropic::ThinkingTurn turn(const std::string& id, std::size_t thought = 10) {
  return anthropic::thinking_turn(R"({"type":"thinking","thinking":")" + std::string(thought, 't') +
                                  R"(","signature":"S"},{"type":"tool_use","id":")" + id +
                                  R"(","name":"f","input":{}})")
      .value();
}

TEST(ThinkingMemory, finds_a_turn_by_the_id_of_its_call) {
  ThinkingMemory memory(1 << 20);
  memory.remember(kScope, turn("toolu_1"), kNow);
  const auto found = memory.recall(kScope, "toolu_1", kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->blocks, turn("toolu_1").blocks);
  EXPECT_FALSE(memory.recall(kScope, "toolu_2", kNow));
}

anthropic::ThinkingTurn turn_of_two(const std::string& first, const std::string& second) {
  return anthropic::thinking_turn(R"({"type":"thinking","thinking":"t","signature":"S"},)"
                                  R"({"type":"tool_use","id":")" +
                                  first + R"(","name":"f","input":{}},{"type":"tool_use","id":")" +
                                  second + R"(","name":"f","input":{}})")
      .value();
}

TEST(ThinkingMemory, finds_a_turn_by_the_id_of_each_of_its_calls) {
  ThinkingMemory memory(1 << 20);
  memory.remember(kScope, turn_of_two("a", "b"), kNow);
  EXPECT_TRUE(memory.recall(kScope, "a", kNow));
  EXPECT_TRUE(memory.recall(kScope, "b", kNow));
  memory.remember(kScope, turn_of_two("b", "c"), kNow);
  EXPECT_FALSE(memory.recall(kScope, "a", kNow))
      << "the later of two turns that have the call b is the one stored";
  EXPECT_TRUE(memory.recall(kScope, "c", kNow));
  EXPECT_EQ(memory.alike(kScope, turn_of_two("b", "c").likeness, kNow).size(), 1U);
}

TEST(ThinkingMemory, finds_turns_of_one_likeness_unless_there_are_too_many) {
  ThinkingMemory memory(1 << 20);
  EXPECT_FALSE(memory.holds(kScope));
  const std::uint64_t likeness = turn("x").likeness;
  for (const char* id : {"a", "b"}) memory.remember(kScope, turn(id), kNow);
  EXPECT_TRUE(memory.holds(kScope));
  EXPECT_FALSE(memory.holds({"me", "opus-5-5", "laptop"}));
  EXPECT_EQ(memory.alike(kScope, likeness, kNow).size(), 2U);
  EXPECT_TRUE(memory.alike(kScope, likeness + 1, kNow).empty());
  EXPECT_TRUE(memory.alike({"me", "opus-5-5", "laptop"}, likeness, kNow).empty());
  EXPECT_TRUE(memory.alike(kScope, likeness, kNow + minutes(61)).empty());
  EXPECT_FALSE(memory.holds(kScope));
  EXPECT_EQ(memory.bytes(), 0U);
  for (int i = 0; i < 100; ++i) memory.remember(kScope, turn(std::to_string(i)), kNow);
  EXPECT_TRUE(memory.alike(kScope, likeness, kNow).empty())
      << "too many to tell which one is meant";
}

TEST(ThinkingMemory, separates_keys_credentials_and_families) {
  ThinkingMemory memory(1 << 20);
  memory.remember(kScope, turn("toolu_1"), kNow);
  EXPECT_FALSE(memory.recall({"somebody", "opus-5-5", "phone"}, "toolu_1", kNow));
  EXPECT_FALSE(memory.recall({"me", "sonnet-5", "phone"}, "toolu_1", kNow));
  EXPECT_FALSE(memory.recall({"me", "opus-5-5", "laptop"}, "toolu_1", kNow));
  EXPECT_FALSE(memory.recall({"me", "opus-5-5", ""}, "toolu_1", kNow));
  EXPECT_FALSE(memory.recall({"me", "", "phone"}, std::string("opus-5-5\0toolu_1", 16), kNow));
}

TEST(ThinkingMemory, forgets_a_turn_an_hour_after_its_last_use) {
  ThinkingMemory memory(1 << 20);
  memory.remember(kScope, turn("toolu_1"), kNow);
  EXPECT_TRUE(memory.recall(kScope, "toolu_1", kNow + minutes(59)));
  EXPECT_TRUE(memory.recall(kScope, "toolu_1", kNow + minutes(118)))
      << "a use starts the hour again";
  EXPECT_FALSE(memory.recall(kScope, "toolu_1", kNow + minutes(179)));
  EXPECT_EQ(memory.bytes(), 0U);
}

TEST(ThinkingMemory, drops_the_least_recently_used_turn_first) {
  ThinkingMemory memory(10'000);
  for (int i = 0; i < 3; ++i)
    memory.remember(kScope, turn("toolu_" + std::to_string(i), 2'000), kNow);
  EXPECT_TRUE(memory.recall(kScope, "toolu_0", kNow));
  memory.remember(kScope, turn("toolu_3", 5'000), kNow);
  EXPECT_TRUE(memory.recall(kScope, "toolu_0", kNow));
  EXPECT_FALSE(memory.recall(kScope, "toolu_1", kNow));
  EXPECT_TRUE(memory.recall(kScope, "toolu_3", kNow));
  EXPECT_LE(memory.bytes(), 10'000U);
  memory.remember(kScope, turn("toolu_4", 20'000), kNow);
  EXPECT_FALSE(memory.recall(kScope, "toolu_4", kNow)) << "it is larger than the whole memory";
  memory.set_max_bytes(0);
  EXPECT_EQ(memory.bytes(), 0U);
}

TEST(ThinkingMemory, stores_one_turn_for_each_call) {
  ThinkingMemory memory(1 << 20);
  memory.remember(kScope, turn("toolu_1", 10), kNow);
  const std::size_t once = memory.bytes();
  memory.remember(kScope, turn("toolu_1", 10), kNow);
  EXPECT_EQ(memory.bytes(), once);
}

}  // namespace
}  // namespace ccproxy::proxy
