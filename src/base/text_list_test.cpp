#include "base/text_list.hpp"

#include <gtest/gtest.h>

namespace ccproxy {
namespace {

TEST(TextList, holds_texts_that_were_added_whole_and_in_pieces) {
  TextList list;
  EXPECT_TRUE(list.empty());
  list.reserve(3, 3);
  list.add("one");
  list.add("");
  list.next_text() += "th";
  list.next_text() += "ree";
  list.end_text();
  ASSERT_EQ(list.count(), 3U);
  EXPECT_EQ(list[0], "one");
  EXPECT_EQ(list[1], "");
  EXPECT_EQ(list[2], "three");
  EXPECT_EQ(list.bytes(), 8U);
}

}  // namespace
}  // namespace ccproxy
