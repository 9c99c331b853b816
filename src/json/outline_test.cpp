#include "json/outline.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace ccproxy::json {
namespace {

class Outlines : public testing::Test {
 protected:
  Value read(std::string text) {
    text_ = std::move(text);
    read_ = outline_.read(text_);
    return outline_.root();
  }
  bool accepts(std::string text) {
    read(std::move(text));
    return read_.has_value();
  }
  std::string complaint(std::string text) {
    return accepts(std::move(text)) ? "" : read_.error().message;
  }

  std::string text_;
  Outline outline_;
  Result<void> read_;
};

TEST_F(Outlines, return_values_as_views_of_the_text) {
  const Value root = read(R"( {"a" : [1, "x\n", {}], "b":null ,"c": {"d":1.0} } )");
  ASSERT_TRUE(root.is_object());
  EXPECT_EQ(root["a"].raw(), R"([1, "x\n", {}])");
  std::vector<std::string_view> elements;
  for (const Value element : root["a"].children()) elements.push_back(element.raw());
  EXPECT_EQ(elements, (std::vector<std::string_view>{"1", R"("x\n")", "{}"}));
  EXPECT_EQ(root["c"]["d"].raw(), "1.0");
  EXPECT_TRUE(root["b"].is_absent());
  EXPECT_TRUE(root["missing"]["deeper"].is_absent());
}

TEST_F(Outlines, list_members_in_their_order) {
  std::string names;
  const Value root = read(R"({"z":[{"in":1}],"a":2,"\u0062\"":3})");
  for (const Value member : root.children()) names.append(member.name()).append(" ");
  EXPECT_EQ(names, "z a b\" ");
}

TEST_F(Outlines, return_the_last_of_repeated_members) {
  EXPECT_EQ(read(R"({"a":1,"a":2})")["a"].raw(), "2");
}

// Members are found by a code of their names, which other names may have too.
TEST_F(Outlines, find_members_by_their_names) {
  static_assert(Name("abcde").code() == Name("aXcYe").code());
  const Value root =
      read(R"({"abcde":1,"aXcYe":2,"\u0061b":3,"":4,"\ud83d\ude00":5,"\\":6,"é":7,"\u0061b":8})");
  const std::string computed_name = "ab";
  const char* const chosen = "aXcYe";
  const struct {
    Name name;
    std::string_view raw;
  } rows[] = {{"abcde", "1"},       {"aXcYe", "2"},   {"aZcYe", ""}, {"ab", "8"},
              {computed_name, "8"}, {"\\u0061b", ""}, {"", "4"},     {"😀", "5"},
              {"\\", "6"},          {"é", "7"},       {chosen, "2"}, {"missing", ""}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name.text());
    EXPECT_EQ(root[row.name].raw(), row.raw);
    std::string_view last;
    for (const Value member : root.children()) {
      EXPECT_EQ(member.is_named(row.name), member.name() == row.name.text());
      if (member.is_named(row.name)) last = member.raw();
    }
    EXPECT_EQ(last, row.raw);
  }
  EXPECT_FALSE(read("[1]").children().begin().operator*().is_named(""));
  EXPECT_FALSE(Value().is_named(""));
}

// Many members are sorted by the codes of their names, which several may share: that says the same
// as a look at each of them.
TEST_F(Outlines, find_the_members_of_a_large_object) {
  std::string text = R"({"":-1,"\u0061b":-2,"inner":{"p1":0})";
  for (int i = 0; i < 500; ++i) {
    const std::string number = std::to_string(i);
    text.append(",\"p" + number + "\":" + number + ",\"again\":" + number);
  }
  const Value root = read(text + "}");
  for (int i = 0; i < 500; ++i) EXPECT_EQ(root["p" + std::to_string(i)].integer(), i);
  EXPECT_EQ(root["again"].integer(), 499) << "the last counts";
  EXPECT_EQ(root[""].integer(), -1);
  EXPECT_EQ(root["ab"].integer(), -2);
  EXPECT_EQ(root["ab"].name(), "ab");
  EXPECT_EQ(root["inner"]["p1"].integer(), 0);
  EXPECT_TRUE(root["inner"]["p2"].is_absent());
  EXPECT_TRUE(root["p500"].is_absent());
  const Outline moved = std::move(outline_);
  EXPECT_EQ(moved.root()["p7"].integer(), 7);
}

TEST_F(Outlines, read_scalars) {
  const Value root = read(R"({"s":"\u00e9\ud83d\ude00","t":true,"n":-0.5e1,"i":3.0,"big":1e300})");
  EXPECT_EQ(root["s"].decoded(), "é😀");
  EXPECT_EQ(root["s"].text().escaped, R"(\u00e9\ud83d\ude00)");
  EXPECT_EQ(root["t"].boolean(), true);
  EXPECT_EQ(root["n"].number(), -5.0);
  EXPECT_EQ(root["n"].integer(), -5);
  EXPECT_EQ(root["i"].integer(), 3);
  EXPECT_FALSE(root["big"].integer());
  EXPECT_FALSE(root["s"].integer());
  EXPECT_FALSE(root["n"].boolean());
}

// Short texts take another way to their tokens than long ones do: behind enough blanks all are
// long.
TEST_F(Outlines, read_short_texts_like_long_ones) {
  constexpr std::string_view kBytes = "{}[],:\"\\1ut \n\f\x7f\xc3\xa4";
  constexpr std::size_t kLength = 4;
  const std::string blanks(300, ' ');
  for (const std::string_view around : {"", "\""}) {
    std::array<std::size_t, kLength> at{};
    for (bool is_done = false; !is_done;) {
      std::string text(around);
      for (const std::size_t each : at) text += kBytes[each];
      text += around;
      const bool is_json = accepts(text);
      const std::string root(outline_.root().raw());
      ASSERT_EQ(accepts(text + blanks), is_json) << text;
      ASSERT_EQ(outline_.root().raw(), root) << text;
      is_done = std::all_of(at.begin(), at.end(), [&](std::size_t& each) {
        return (each = (each + 1) % kBytes.size()) == 0;
      });
    }
  }
}

TEST_F(Outlines, list_no_deeper_than_requested) {
  text_ = R"({"a":{"b":{"c":1}}})";
  ASSERT_TRUE(outline_.read(text_, 1));
  const Value a = outline_.root()["a"];
  EXPECT_EQ(a.raw(), R"({"b":{"c":1}})");
  EXPECT_TRUE(a.children().empty());
}

TEST_F(Outlines, refuse_text_that_is_not_json) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[1,]",
                           "[,1]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "[1 2]",
                           "[1}",
                           "{\"a\":1]",
                           "01",
                           "1.",
                           ".5",
                           "-",
                           "+1",
                           "1e",
                           "1e+",
                           "tru",
                           "truefalse",
                           "nul",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"\\u12\"",
                           "\"a\nb\"",
                           "\"\x80\"",
                           "\"a\"x",
                           "1 1",
                           "[1]]",
                           "{} {}",
                           "{}\xEF\xBB\xBF",
                           "\xEF\xBB{}",
                           "\xEF\xBB\xBF",
                           "\xEF\xBB\xBF\xEF\xBB\xBF{}",
                           "'a'",
                           "[1,,2]",
                           "{\"a\" 1}",
                           "NaN"})
    EXPECT_FALSE(accepts(text)) << text;
}

TEST_F(Outlines, accept_all_valid_json) {
  for (const char* text :
       {"0", "-0", "1e5", "1E-5", "1.5e+3", "null", "true", "false", "\"\"", "[]", "{}", " [ ] ",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", "\"\\ud800\"", "[[],{},[{}]]", "\"\x7f\""})
    EXPECT_TRUE(accepts(text)) << text << ": " << complaint(text);
}

// Some editors and Windows tools write one.
TEST_F(Outlines, skip_a_byte_order_mark) {
  EXPECT_EQ(read("\xEF\xBB\xBF{\"a\":[1]}")["a"].raw(), "[1]");
}

TEST_F(Outlines, name_the_place_of_a_syntax_error) {
  EXPECT_NE(complaint(R"({"a":1 "b":2})").find("at byte 7"), std::string::npos);
  EXPECT_NE(complaint("{\"a\":\"x\ny\"}").find("at byte 7"), std::string::npos);
  EXPECT_NE(complaint(R"(["x\q"])").find("at byte 3"), std::string::npos);
}

// Bytes are compared in groups: each escape is tested at every place in a group.
TEST_F(Outlines, check_escapes_at_every_place) {
  for (std::size_t before = 0; before < 70; ++before) {
    const std::string text = "\"" + std::string(before, 'x');
    for (const char* good :
         {R"(\n)", R"(\\)", R"(\\\\\\)", R"(\\\")", R"(\u00e9)", R"(\\x)", R"(\n\t\\u)"})
      EXPECT_TRUE(accepts(text + good + "\"")) << before << good;
    for (const char* bad : {R"(\x)", R"(\\\x)", R"(\u00g9)", R"(\u12)", R"(\n\\\')", R"(\ )"}) {
      const std::string message = complaint(text + bad + "\"");
      const std::size_t place = std::string_view(bad).find_last_of('\\');
      EXPECT_NE(message.find("at byte " + std::to_string(1 + before + place)), std::string::npos)
          << before << bad << message;
    }
  }
}

TEST_F(Outlines, replace_lone_surrogates) {
  const struct {
    const char *description, *text, *raw;
  } rows[] = {
      {"a high surrogate alone", R"({"a":"cut \ud83d"})", R"("cut \ufffd")"},
      {"a low surrogate alone", R"({"a":"\uDE00 x"})", R"("\ufffd x")"},
      {"two high surrogates", R"({"a":"\ud83d\ud83d\ude00"})", R"("\ufffd\ud83d\ude00")"},
      {"surrogates in the wrong order", R"({"a":"\ude00\ud83d"})", R"("\ufffd\ufffd")"},
      {"a pair", R"({"a":"\ud83d\ude00"})", R"("\ud83d\ude00")"},
      {"an escaped backslash", R"({"a":"\\ud83d"})", R"("\\ud83d")"},
      {"deep inside", R"({"a":[[[[[[[[[[[["\uD83D"]]]]]]]]]]]]})",
       R"([[[[[[[[[[[["\ufffd"]]]]]]]]]]]])"},
      {"in a name", R"({"a":{"\ud83d":1}})", R"({"\ufffd":1})"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.description);
    EXPECT_EQ(read(row.text)["a"].raw(), row.raw);
    EXPECT_EQ(outline_.is_repaired(),
              std::string_view(row.text).find(row.raw) == std::string::npos);
  }
  Outline moved = std::move(outline_);  // the copy of the text moves with it
  EXPECT_EQ(moved.root()["a"].children().begin().operator*().name(), "\xEF\xBF\xBD");
}

// Bytes are compared in groups: the place in a group must not matter.
TEST_F(Outlines, find_a_lone_surrogate_at_every_place) {
  for (std::size_t before = 0; before < 70; ++before) {
    const std::string front(before, 'x');
    EXPECT_EQ(read("[\"" + front + "\\ud83d\"]").raw(), "[\"" + front + "\\ufffd\"]");
  }
}

TEST_F(Outlines, accept_64_levels_of_nesting_and_no_more) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(accepts(nested(64)));
  EXPECT_FALSE(accepts(nested(65)));
  EXPECT_EQ(complaint(nested(65)), "the body nests deeper than 64 levels, at byte 64")
      << "it may be JSON";
  EXPECT_FALSE(accepts(std::string(10'000'000, '[')));
}

TEST_F(Outlines, refuse_millions_of_values) {
  std::string text = "[0";
  for (int i = 0; i < 5'000'000; ++i) text += ",0";
  EXPECT_FALSE(accepts(text + "]"));
  EXPECT_EQ(read_.error().kind, ErrorKind::kTooLarge);
}

TEST_F(Outlines, can_be_used_for_many_texts) {
  EXPECT_EQ(read("{\"a\":1}")["a"].raw(), "1");
  EXPECT_FALSE(accepts("{"));
  EXPECT_EQ(outline_.root().kind(), ValueKind::kMissing);
  EXPECT_EQ(read("[7]").children().begin().operator*().raw(), "7");
}

}  // namespace
}  // namespace ccproxy::json
