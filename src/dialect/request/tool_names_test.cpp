#include "dialect/request/tool_names.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ccproxy::dialect {
namespace {

TEST(ToolNames, keep_valid_names) {
  RequestArena arena;
  ToolNames names(arena);
  const std::string longest(128, 'a');
  for (const std::string& name : {std::string("get_weather-2"), longest}) {
    names.announce(name);
    EXPECT_EQ(names.upstream(name), name);
  }
}

TEST(ToolNames, replace_each_invalid_character_by_an_underscore) {
  RequestArena arena;
  ToolNames names(arena);
  EXPECT_EQ(names.upstream("mcp.server/tool"), "mcp_server_tool");
  EXPECT_EQ(names.upstream("wéa ther"), "w_a_ther");
}

TEST(ToolNames, change_the_invalid_one_of_two_that_collide) {
  RequestArena arena;
  ToolNames names(arena);
  names.announce("a.b");
  names.announce("a_b");
  const auto replaced = names.upstream("a.b");
  EXPECT_EQ(names.upstream("a_b"), "a_b");
  EXPECT_TRUE(is_tool_name(replaced));
  EXPECT_EQ(replaced.substr(0, 4), "a_b_");
  EXPECT_EQ(replaced.size(), 3 + 1 + 8U);
  EXPECT_EQ(names.upstream("a.b"), replaced);
}

TEST(ToolNames, shorten_long_names_and_keep_them_distinct) {
  RequestArena arena;
  ToolNames names(arena);
  const std::string a(140, 'a'), b(141, 'a');
  const auto first = names.upstream(a), second = names.upstream(b);
  EXPECT_EQ(first.size(), 128U);
  EXPECT_TRUE(is_tool_name(second));
  EXPECT_NE(first, second);
}

TEST(ToolNames, avoid_reserved_names) {
  RequestArena arena;
  ToolNames names(arena);
  names.reserve("web_search");
  names.announce("web_search");
  EXPECT_NE(names.upstream("web_search"), "web_search");
}

TEST(CallIds, are_valid_and_unique) {
  RequestArena arena;
  CallIds ids(arena);
  EXPECT_EQ(ids.assign("functions.f:0", ""), "functions_f_0");
  EXPECT_EQ(ids.assign("call_0", ""), "call_0");
  EXPECT_EQ(ids.assign("call_0", ""), "call_0_2");
  EXPECT_EQ(ids.assign("call_0_3", ""), "call_0_3");
  EXPECT_EQ(ids.assign("call_0", ""), "call_0_4");
  EXPECT_EQ(ids.assign("", "call_1_0"), "call_1_0");
  EXPECT_EQ(ids.assign("", "call_1_0"), "call_1_0_2");
}

TEST(CallIds, are_assigned_in_linear_time_for_repeated_ids) {
  RequestArena arena;
  CallIds ids(arena);
  std::set<std::string_view> seen;
  for (int i = 0; i < 100'000; ++i) seen.insert(ids.assign("same", ""));
  EXPECT_EQ(seen.size(), 100'000U);
}

}  // namespace
}  // namespace ccproxy::dialect
