#include "base/text.hpp"

#include <gtest/gtest.h>

namespace ccproxy {
namespace {

TEST(Text, comparison_ignores_the_case_of_ascii_letters_only) {
  EXPECT_TRUE(same_text("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(same_text("a", "ab"));
  EXPECT_FALSE(same_text("\xC3\x84", "\xC3\xA4"));
}

TEST(Text, finds_whole_items_of_a_comma_list_only) {
  EXPECT_TRUE(list_names("keep-alive , Upgrade", "upgrade"));
  EXPECT_FALSE(list_names("keep-alive-x", "keep-alive"));
  EXPECT_FALSE(list_names("", "close"));
}

TEST(Text, takes_items_until_the_rest_is_empty) {
  std::string_view rest = " a ,b,, c";
  EXPECT_EQ(take_item(rest, ','), "a");
  EXPECT_EQ(take_item(rest, ','), "b");
  EXPECT_EQ(take_item(rest, ','), "");
  EXPECT_EQ(take_item(rest, ','), "c");
  EXPECT_TRUE(rest.empty());
}

TEST(Text, reads_only_plain_decimals) {
  EXPECT_EQ(parse_decimal("0"), 0U);
  EXPECT_EQ(parse_decimal("999999999999999999"), 999999999999999999U);
  for (const char* bad : {"", "+1", "-1", " 1", "1 ", "0x1", "1e3", "1000000000000000000"})
    EXPECT_FALSE(parse_decimal(bad)) << bad;
}

}  // namespace
}  // namespace ccproxy
