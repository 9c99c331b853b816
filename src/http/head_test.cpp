#include "http/head.hpp"

#include <gtest/gtest.h>

namespace ccproxy::http {
namespace {

TEST(Head, finds_fields_in_any_case) {
  Head head;
  head.fields = {{"Content-Type", "a"}, {"connection", "close, X-Hop"}, {"content-type", "b"}};
  EXPECT_EQ(head.get("CONTENT-TYPE"), "a");
  EXPECT_EQ(head.get("none"), "");
  EXPECT_FALSE(head.find("none"));
  EXPECT_TRUE(head.lists("Connection", "x-hop"));
  EXPECT_FALSE(head.lists("Connection", "hop"));
}

TEST(Head, splits_the_target_at_the_question_mark) {
  RequestHead head;
  head.target = "/v1/messages?beta=true&x=?";
  EXPECT_EQ(head.path(), "/v1/messages");
  EXPECT_EQ(head.query(), "?beta=true&x=?");
  head.target = "/plain";
  EXPECT_EQ(head.path(), "/plain");
  EXPECT_EQ(head.query(), "");
}

TEST(Head, writes_chunk_sizes_and_dates_in_the_format_of_http) {
  std::string text;
  append_chunk_line(text, 0);
  append_chunk_line(text, 255);
  append_chunk_line(text, 65'536);
  EXPECT_EQ(text, "0\r\nff\r\n10000\r\n");
  EXPECT_EQ(http_date(WallClock::from_time_t(784'111'777)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace ccproxy::http
