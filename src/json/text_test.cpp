#include "json/text.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>

namespace ccproxy::json {
namespace {

TEST(JsonText, is_the_text_between_the_quotes) {
  EXPECT_EQ(text_of(R"("a\nb")")->escaped, R"(a\nb)");
  EXPECT_TRUE(text_of(R"("")")->empty());
}

TEST(JsonText, refuses_tokens_that_are_not_strings) {
  for (const char* token : {"", "\"", "null", "5", "{}", "\"a", "a\"", R"("a\")", R"("\x")",
                            R"("\u12")", R"("\u12g4")"})
    EXPECT_FALSE(text_of(token)) << token;
}

TEST(CompactJson, has_white_space_in_strings_only) {
  std::string out;
  append_compact(out, "{ \"a b\" :\r\n [1,\t\"c\\\" \\\\\" , {} ]\n}");
  EXPECT_EQ(out, R"({"a b":[1,"c\" \\",{}]})");
}

struct Case {
  const char* description;
  const char* escaped;
  const char* decoded;
  std::size_t points;
};

const Case kCases[] = {
    {"plain", "abc", "abc", 3},
    {"short escapes", R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t", 8},
    {"an escape of two bytes", R"(\u00e9x)", "éx", 2},
    {"an escape of three bytes", R"(\u20AC)", "€", 1},
    {"a surrogate pair is one", R"(\ud83d\ude00!)", "😀!", 2},
    {"UTF-8 as it is", "é€😀", "é€😀", 3},
    {"a high surrogate alone is replaced", R"(\ud83dx)", "\xEF\xBF\xBDx", 2},
    {"a low surrogate alone is replaced", R"(\ude00)", "\xEF\xBF\xBD", 1},
    {"two first halves", R"(\ud83d\ud83d\ude00)", "\xEF\xBF\xBD😀", 2},
    {"nothing", "", "", 0},
};

TEST(JsonText, is_decoded_and_counted) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.description);
    std::string decoded = ">";
    append_decoded(decoded, {row.escaped});
    EXPECT_EQ(decoded, std::string(">") + row.decoded);
    EXPECT_EQ(code_points({row.escaped}), row.points);
  }
}

TEST(JsonText, is_written_without_quotes) {
  std::string out = "\"x";
  append_escaped(out, "a\"\n");
  EXPECT_EQ(out, "\"xa\\\"\\n");
}

// Consecutive escapes are collected in a buffer of a fixed size.
TEST(JsonText, may_consist_of_any_number_of_escapes) {
  constexpr std::pair<const char*, const char*> kEscapes[] = {
      {"\n", "\\n"}, {"\\", "\\\\"}, {"\x01", "\\u0001"}};
  for (std::size_t count = 0; count <= 300; ++count) {
    SCOPED_TRACE(count);
    for (const auto& [plain, escape] : kEscapes) {
      std::string original, meant, escaped, decoded;
      for (std::size_t i = 0; i < count; ++i) {
        original += escape;
        meant += plain;
      }
      append_escaped(escaped, meant + "x");
      EXPECT_EQ(escaped, original + "x");
      append_decoded(decoded, {original + "\\u0041x"});
      EXPECT_EQ(decoded, meant + "Ax");
    }
  }
}

TEST(JsonText, may_have_any_text_between_its_escapes) {
  for (std::size_t between = 0; between <= 20; ++between) {
    SCOPED_TRACE(between);
    std::string plain, original, escaped, decoded;
    for (int i = 0; i < 20; ++i) {
      plain.append("\"\n\x02é").append(between, 'a');
      original.append(R"(\"\n\u0002é)").append(between, 'a');
    }
    append_escaped(escaped, plain);
    EXPECT_EQ(escaped, original);
    append_decoded(decoded, {original});
    EXPECT_EQ(decoded, plain);
  }
}

TEST(JsonText, is_decoded_without_an_incomplete_escape_at_its_end) {
  std::string decoded;
  append_decoded(decoded, {"a\\n\\"});
  EXPECT_EQ(decoded, "a\n");
}

TEST(JsonTexts, are_blank_when_they_have_white_space_only) {
  for (const char* blank : {"", " ", R"( \n\t\r\u0020)", R"(\u00a0)", "\u3000", "\u2003 \\u2028"})
    EXPECT_TRUE(is_blank({blank})) << blank;
  for (const char* text : {"a", R"(\n.)", R"(\u200b)", "\u200b", R"(\\)", "é", R"(\ud83d\ude00)"})
    EXPECT_FALSE(is_blank({text})) << text;
}

TEST(JsonTexts, have_a_replacement_for_each_lone_surrogate) {
  const std::pair<const char*, const char*> kHalves[] = {
      {R"(\ud83d)", R"(\ufffd)"},
      {R"(\uDE00a)", R"(\ufffda)"},
      {R"(\ud83d\ud83d\ude00)", R"(\ufffd\ud83d\ude00)"},
      {R"(\ude00\ud83d)", R"(\ufffd\ufffd)"},
      {R"(\\ud83d)", R"(\\ud83d)"},
      {R"(\n\t\"\ud83d\n)", R"(\n\t\"\ufffd\n)"},
      {R"(\\\ud83dx)", R"(\\\ufffdx)"},
      {R"(\nfar away from what is escaped\uD83D)", R"(\nfar away from what is escaped\ufffd)"},
      {R"(\ud7ff\ue000\u0064800)", R"(\ud7ff\ue000\u0064800)"},
      {R"(\ud83d\n)", R"(\ufffd\n)"},
      {R"(\n)", R"(\n)"},
      {"", ""}};
  for (const auto& [given, right] : kHalves) {
    std::string text = given;
    replace_lone_surrogates(text);
    EXPECT_EQ(text, right) << given;
  }
}

}  // namespace
}  // namespace ccproxy::json
