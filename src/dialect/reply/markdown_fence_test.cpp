#include "dialect/reply/markdown_fence.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ccproxy::dialect {
namespace {

struct Case {
  const char* name;
  const char* text;
  const char* expected;
};

const Case kCases[] = {
    {"JSON without a fence", "{\"a\":1}\n", "{\"a\":1}\n"},
    {"a fence with its language", "```json\n{\"a\":1}\n```", "{\"a\":1}"},
    {"a fence without one", "```\n[1]\n```\n", "[1]"},
    {"CRLF", "```json\r\n{}\r\n```\r\n", "{}"},
    {"white space before the fence", "\n ```json \n{}\n```", "{}"},
    {"backticks inside stay", "```\n\"a ``` b\"\n```", "\"a ``` b\""},
    {"white space inside stays", "```\n1 \n 2\n```", "1 \n 2"},
    {"a fence that is not closed", "```json\n{\"a\":", "{\"a\":"},
    {"a closing fence without an opening one stays", "{}\n```\n", "{}\n```\n"},
    {"two backticks are no fence", "``\n{}\n``", "``\n{}\n``"},
    {"text in the first line is no fence", "```json is fun\n", "```json is fun\n"},
    {"a fence in one line is none", "```{}```", "```{}```"},
    {"a long first line is no fence",
     "```aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n{}",
     "```aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n{}"},
    {"white space only", " \n", " \n"},
    {"a fence that never came to its end", "```js", "```js"},
    {"nothing", "", ""},
};

TEST(Fence, is_removed_wherever_the_text_is_cut) {
  for (const Case& row : kCases) {
    const std::string text = row.text;
    for (std::size_t first = 0; first <= text.size(); ++first)
      for (std::size_t second = first; second <= text.size(); ++second) {
        SCOPED_TRACE(testing::Message() << row.name << ", cut at " << first << " and " << second);
        Fence fence;
        std::string text_out;
        fence.feed(text.substr(0, first), text_out);
        fence.feed(text.substr(first, second - first), text_out);
        fence.feed(text.substr(second), text_out);
        fence.finish(text_out);
        ASSERT_EQ(text_out, row.expected);
      }
  }
}

TEST(EscapedFence, takes_and_returns_escaped_text) {
  EscapedFence fence;
  std::string output;
  for (const char* piece : {R"(```json\n{\"a\":)", R"(\"\u00e9\\\"})", R"(\n```)"})
    output += fence.feed(piece);
  output += fence.finish();
  EXPECT_EQ(output, R"({\"a\":\"é\\\"})");
}

TEST(Fence, holds_back_only_what_may_be_part_of_a_fence) {
  Fence fence;
  std::string text_out;
  fence.feed("```json\n{\"a\": ", text_out);
  EXPECT_EQ(text_out, "{\"a\":");
  fence.feed("1", text_out);
  EXPECT_EQ(text_out, "{\"a\": 1");

  Fence unfenced;
  std::string all;
  unfenced.feed("{ ", all);
  EXPECT_EQ(all, "{ ");
}

}  // namespace
}  // namespace ccproxy::dialect
