#include "dialect/reply/custom_input.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace ccproxy::dialect {
namespace {

struct Case {
  const char* name;
  const char* json;
  const char* text;
};

const Case kCases[] = {
    {"plain text", R"({"input":"abc"})", "abc"},
    {"white space wherever JSON allows it", " {\n \"input\" :\t\"a\" } ", "a"},
    {"short escapes", R"({"input":"\"\\\/\b\f\n\r\t"})", "\"\\/\b\f\n\r\t"},
    {"UTF-8 of every length", R"({"input":"é€😀"})", "é€😀"},
    {"escapes of every length", R"({"input":"\u0041\u00e9\u20ac\ud83d\ude00"})", "Aé€😀"},
    {"half a pair becomes a replacement", R"({"input":"\ud83dx\ude00"})",
     "\xEF\xBF\xBDx\xEF\xBF\xBD"},
    {"half a pair before another escape", R"({"input":"\ud83d\n"})", "\xEF\xBF\xBD\n"},
    {"half a pair before a whole one", R"({"input":"\ud83d\ud83d\ude00"})", "\xEF\xBF\xBD😀"},
    {"an empty string", R"({"input":""})", ""},
    {"an input that was cut", R"({"input":"abc)", "abc"},
    {"a cut escape is dropped", R"({"input":"ab\)", "ab"},
    {"a cut long escape is dropped", R"({"input":"ab\u00e)", "ab"},
    {"a cut pair is dropped", R"({"input":"ab\ud83d)", "ab"},
    {"a pair cut in its second half is dropped", R"({"input":"ab\ud83d\ude0)", "ab"},
    {"UTF-8 that was cut is dropped", "{\"input\":\"ab\xF0\x9F\x98", "ab"},
    {"another name passes unchanged", R"({"inputs":"a\n"})", R"({"inputs":"a\n"})"},
    {"a number passes unchanged", R"({"input": 5})", R"({"input": 5})"},
    {"an empty object passes unchanged", "{}", "{}"},
    {"a list passes unchanged", " [1]", " [1]"},
    {"white space inside the name is another name", R"({"in put":"a"})", R"({"in put":"a"})"},
    {"what follows the string is not its text", R"({"input":"a","b":"c"})", "a"},
};

TEST(CustomInput, decodes_the_text_wherever_the_json_is_cut) {
  for (const Case& row : kCases) {
    const std::string json = row.json;
    for (std::size_t first = 0; first <= json.size(); ++first)
      for (std::size_t second = first; second <= json.size(); ++second) {
        SCOPED_TRACE(testing::Message() << row.name << ", cut at " << first << " and " << second);
        CustomInput input;
        std::string text;
        input.feed(json.substr(0, first), text);
        input.feed(json.substr(first, second - first), text);
        input.feed(json.substr(second), text);
        ASSERT_EQ(text, row.text);
      }
  }
}

TEST(CustomInput, appends_whole_characters_only) {
  const std::string json = R"({"input":"é\ud83d\ude00\u20ac😀"})";
  const std::vector<std::string> characters = {"", "é", "é😀", "é😀€", "é😀€😀"};
  CustomInput input;
  std::string text;
  for (const char c : json) {
    input.feed(std::string(1, c), text);
    EXPECT_NE(std::find(characters.begin(), characters.end(), text), characters.end()) << text;
  }
  EXPECT_EQ(text, characters.back());
}

TEST(CustomInput, begins_again_with_the_next_call) {
  CustomInput input;
  std::string text;
  input.feed(R"({"input":"a\)", text);
  input.begin();
  input.feed(R"({"input":"b"})", text);
  EXPECT_EQ(text, "ab");
}

}  // namespace
}  // namespace ccproxy::dialect
