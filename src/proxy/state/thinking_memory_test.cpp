#include "proxy/state/thinking_memory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ccproxy::proxy {
namespace {

using std::chrono::minutes;

const ThinkingScope kScope{"me", "opus-5-5", "phone"};
const Clock::time_point kNow = Clock::time_point(std::chrono::hours(1000));

anthropic::ThoughtTurn turn(const std::string& id, std::size_t thought = 10) {
  return anthropic::thought_turn(R"({"type":"thinking","thinking":")" + std::string(thought, 't') +
                                 R"(","signature":"S"},{"type":"tool_use","id":")" + id +
                                 R"(","name":"f","input":{}})")
      .value();
}

TEST(ThinkingMemoryTest, finds_a_turn_by_its_first_call) {
  ThinkingMemory memory(1 << 20);
  memory.keep(kScope, turn("toolu_1"), kNow);
  const auto found = memory.recall(kScope, "toolu_1", kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->blocks, turn("toolu_1").blocks);
  EXPECT_FALSE(memory.recall(kScope, "toolu_2", kNow));
}

anthropic::ThoughtTurn turn_of_two(const std::string& first, const std::string& second) {
  return anthropic::thought_turn(R"({"type":"thinking","thinking":"t","signature":"S"},)"
                                 R"({"type":"tool_use","id":")" +
                                 first + R"(","name":"f","input":{}},{"type":"tool_use","id":")" +
                                 second + R"(","name":"f","input":{}})")
      .value();
}

TEST(ThinkingMemoryTest, finds_a_turn_by_each_of_its_calls) {
  ThinkingMemory memory(1 << 20);
  memory.keep(kScope, turn_of_two("a", "b"), kNow);
  EXPECT_TRUE(memory.recall(kScope, "a", kNow));
  EXPECT_TRUE(memory.recall(kScope, "b", kNow));
  memory.keep(kScope, turn_of_two("b", "c"), kNow);
  EXPECT_FALSE(memory.recall(kScope, "a", kNow)) << "of two that had b the later one is known";
  EXPECT_TRUE(memory.recall(kScope, "c", kNow));
  EXPECT_EQ(memory.alike(kScope, turn_of_two("b", "c").likeness, kNow).size(), 1U);
}

TEST(ThinkingMemoryTest, finds_what_is_alike) {
  ThinkingMemory memory(1 << 20);
  EXPECT_FALSE(memory.holds(kScope));
  const std::uint64_t likeness = turn("x").likeness;
  for (const char* id : {"a", "b"}) memory.keep(kScope, turn(id), kNow);
  EXPECT_TRUE(memory.holds(kScope));
  EXPECT_FALSE(memory.holds({"me", "opus-5-5", "laptop"}));
  EXPECT_EQ(memory.alike(kScope, likeness, kNow).size(), 2U);
  EXPECT_TRUE(memory.alike(kScope, likeness + 1, kNow).empty());
  EXPECT_TRUE(memory.alike({"me", "opus-5-5", "laptop"}, likeness, kNow).empty());
  EXPECT_TRUE(memory.alike(kScope, likeness, kNow + minutes(61)).empty());
  EXPECT_FALSE(memory.holds(kScope));
  EXPECT_EQ(memory.bytes(), 0U);
  for (int i = 0; i < 100; ++i) memory.keep(kScope, turn(std::to_string(i)), kNow);
  EXPECT_TRUE(memory.alike(kScope, likeness, kNow).empty()) << "too many to be one of them";
}

TEST(ThinkingMemoryTest, keeps_keys_credentials_and_families_apart) {
  ThinkingMemory memory(1 << 20);
  memory.keep(kScope, turn("toolu_1"), kNow);
  EXPECT_FALSE(memory.recall({"somebody", "opus-5-5", "phone"}, "toolu_1", kNow));
  EXPECT_FALSE(memory.recall({"me", "sonnet-5", "phone"}, "toolu_1", kNow));
  EXPECT_FALSE(memory.recall({"me", "opus-5-5", "laptop"}, "toolu_1", kNow));
  EXPECT_FALSE(memory.recall({"me", "opus-5-5", ""}, "toolu_1", kNow));
  EXPECT_FALSE(memory.recall({"me", "", "phone"}, std::string("opus-5-5\0toolu_1", 16), kNow));
}

TEST(ThinkingMemoryTest, forgets_an_hour_after_the_last_use) {
  ThinkingMemory memory(1 << 20);
  memory.keep(kScope, turn("toolu_1"), kNow);
  EXPECT_TRUE(memory.recall(kScope, "toolu_1", kNow + minutes(59)));
  EXPECT_TRUE(memory.recall(kScope, "toolu_1", kNow + minutes(118))) << "use makes it young";
  EXPECT_FALSE(memory.recall(kScope, "toolu_1", kNow + minutes(179)));
  EXPECT_EQ(memory.bytes(), 0U);
}

TEST(ThinkingMemoryTest, drops_what_was_not_used_for_longest) {
  ThinkingMemory memory(10'000);
  for (int i = 0; i < 3; ++i) memory.keep(kScope, turn("toolu_" + std::to_string(i), 2'000), kNow);
  EXPECT_TRUE(memory.recall(kScope, "toolu_0", kNow));
  memory.keep(kScope, turn("toolu_3", 5'000), kNow);
  EXPECT_TRUE(memory.recall(kScope, "toolu_0", kNow));
  EXPECT_FALSE(memory.recall(kScope, "toolu_1", kNow));
  EXPECT_TRUE(memory.recall(kScope, "toolu_3", kNow));
  EXPECT_LE(memory.bytes(), 10'000U);
  memory.keep(kScope, turn("toolu_4", 20'000), kNow);
  EXPECT_FALSE(memory.recall(kScope, "toolu_4", kNow)) << "larger than all of it";
  memory.set_most(0);
  EXPECT_EQ(memory.bytes(), 0U);
}

TEST(ThinkingMemoryTest, holds_one_turn_of_a_call) {
  ThinkingMemory memory(1 << 20);
  memory.keep(kScope, turn("toolu_1", 10), kNow);
  const std::size_t once = memory.bytes();
  memory.keep(kScope, turn("toolu_1", 10), kNow);
  EXPECT_EQ(memory.bytes(), once);
}

}  // namespace
}  // namespace ccproxy::proxy
