#include "dialect/request/tool_names.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ccproxy::dialect {
namespace {

TEST(ToolNames, leave_what_is_valid) {
  RequestArena arena;
  ToolNames names(arena);
  const std::string longest(128, 'a');
  for (const std::string& name : {std::string("get_weather-2"), longest}) {
    names.announce(name);
    EXPECT_EQ(names.upstream(name), name);
  }
}

TEST(ToolNames, replace_one_character_by_one) {
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
  const auto mended = names.upstream("a.b");
  EXPECT_EQ(names.upstream("a_b"), "a_b");
  EXPECT_TRUE(is_tool_name(mended));
  EXPECT_EQ(mended.substr(0, 4), "a_b_");
  EXPECT_EQ(mended.size(), 3 + 1 + 8U);
  EXPECT_EQ(names.upstream("a.b"), mended);
}

TEST(ToolNames, shorten_what_is_too_long_and_stay_distinct) {
  RequestArena arena;
  ToolNames names(arena);
  const std::string a(140, 'a'), b(141, 'a');
  const auto first = names.upstream(a), second = names.upstream(b);
  EXPECT_EQ(first.size(), 128U);
  EXPECT_TRUE(is_tool_name(second));
  EXPECT_NE(first, second);
}

TEST(ToolNames, keep_out_of_the_way_of_what_is_reserved) {
  RequestArena arena;
  ToolNames names(arena);
  names.reserve("web_search");
  names.announce("web_search");
  EXPECT_NE(names.upstream("web_search"), "web_search");
}

TEST(CallIds, are_made_valid_and_each_used_once) {
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

TEST(CallIds, take_no_longer_for_many_of_the_same) {
  RequestArena arena;
  CallIds ids(arena);
  std::set<std::string_view> seen;
  for (int i = 0; i < 100'000; ++i) seen.insert(ids.assign("same", ""));
  EXPECT_EQ(seen.size(), 100'000U);
}

}  // namespace
}  // namespace ccproxy::dialect
