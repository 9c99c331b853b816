#include "json/text.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>

namespace ccproxy::json {
namespace {

TEST(JsonText, is_what_stands_between_the_quotes) {
  EXPECT_EQ(text_of(R"("a\nb")")->escaped, R"(a\nb)");
  EXPECT_TRUE(text_of(R"("")")->empty());
}

TEST(JsonText, is_not_made_of_anything_else) {
  for (const char* token : {"", "\"", "null", "5", "{}", "\"a", "a\"", R"("a\")", R"("\x")",
                            R"("\u12")", R"("\u12g4")"})
    EXPECT_FALSE(text_of(token)) << token;
}

TEST(CompactJson, is_without_white_space_but_in_strings) {
  std::string out;
  append_compact(out, "{ \"a b\" :\r\n [1,\t\"c\\\" \\\\\" , {} ]\n}");
  EXPECT_EQ(out, R"({"a b":[1,"c\" \\",{}]})");
}

struct Case {
  const char* says;
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
    {"half a pair becomes a replacement", R"(\ud83dx)", "\xEF\xBF\xBDx", 2},
    {"the other half too", R"(\ude00)", "\xEF\xBF\xBD", 1},
    {"two first halves", R"(\ud83d\ud83d\ude00)", "\xEF\xBF\xBD😀", 2},
    {"nothing", "", "", 0},
};

TEST(JsonText, is_decoded_and_counted) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.says);
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

// Escapes in a row are put together in pieces of a fixed size.
TEST(JsonText, may_be_escapes_alone_of_any_number) {
  constexpr std::pair<const char*, const char*> kEscapes[] = {
      {"\n", "\\n"}, {"\\", "\\\\"}, {"\x01", "\\u0001"}};
  for (std::size_t count = 0; count <= 300; ++count) {
    SCOPED_TRACE(count);
    for (const auto& [plain, escape] : kEscapes) {
      std::string told, meant, escaped, decoded;
      for (std::size_t i = 0; i < count; ++i) {
        told += escape;
        meant += plain;
      }
      append_escaped(escaped, meant + "x");
      EXPECT_EQ(escaped, told + "x");
      append_decoded(decoded, {told + "\\u0041x"});
      EXPECT_EQ(decoded, meant + "Ax");
    }
  }
}

TEST(JsonText, may_have_anything_between_its_escapes) {
  for (std::size_t between = 0; between <= 20; ++between) {
    SCOPED_TRACE(between);
    std::string plain, told, escaped, decoded;
    for (int i = 0; i < 20; ++i) {
      plain.append("\"\n\x02é").append(between, 'a');
      told.append(R"(\"\n\u0002é)").append(between, 'a');
    }
    append_escaped(escaped, plain);
    EXPECT_EQ(escaped, told);
    append_decoded(decoded, {told});
    EXPECT_EQ(decoded, plain);
  }
}

TEST(JsonText, is_decoded_without_half_an_escape_at_its_end) {
  std::string decoded;
  append_decoded(decoded, {"a\\n\\"});
  EXPECT_EQ(decoded, "a\n");
}

TEST(JsonTexts, are_blank_when_nobody_could_read_a_word) {
  for (const char* blank : {"", " ", R"( \n\t\r\u0020)", R"(\u00a0)", "\u3000", "\u2003 \\u2028"})
    EXPECT_TRUE(is_blank({blank})) << blank;
  for (const char* said : {"a", R"(\n.)", R"(\u200b)", "\u200b", R"(\\)", "é", R"(\ud83d\ude00)"})
    EXPECT_FALSE(is_blank({said})) << said;
}

TEST(JsonTexts, have_the_sign_for_half_a_pair_wherever_it_stands) {
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
    mend_halves(text);
    EXPECT_EQ(text, right) << given;
  }
}

}  // namespace
}  // namespace ccproxy::json
