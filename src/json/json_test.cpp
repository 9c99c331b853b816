#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "json/document.hpp"
#include "json/reader.hpp"
#include "json/writer.hpp"

namespace ccproxy::json {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Result<Pairs> members_of(std::string_view text) {
  Pairs pairs;
  Reader reader;
  auto walked = reader.members_of_copy(
      text, [&](const Member& member) { pairs.emplace_back(member.key, member.value); });
  if (!walked) return fail(walked.error());
  return pairs;
}

TEST(Reader, returns_each_member_as_it_was_written) {
  const auto pairs = members_of(
      R"( { "a" : 1.0 , "b":[1, {"x":"}"}] ,"c": {"d" : null}, "e":"q\"\u00e9" , "f":true } )");
  ASSERT_TRUE(pairs) << pairs.error().message;
  EXPECT_EQ(*pairs, (Pairs{{"a", "1.0"},
                           {"b", R"([1, {"x":"}"}])"},
                           {"c", R"({"d" : null})"},
                           {"e", R"("q\"\u00e9")"},
                           {"f", "true"}}));
}

TEST(Reader, decodes_keys_and_returns_repeated_ones) {
  const auto pairs = members_of(R"({"mod\u0065l":"a","model":"b"})");
  ASSERT_TRUE(pairs);
  EXPECT_EQ(*pairs, (Pairs{{"model", "\"a\""}, {"model", "\"b\""}}));
}

TEST(Reader, returns_views_of_the_text) {
  std::string text = R"({"model": "x"})";
  const std::size_t size = text.size();
  text.append(kPadding, '\0');
  Reader reader;
  std::size_t at = 0;
  ASSERT_TRUE(reader.members(std::string_view(text).substr(0, size), [&](const Member& member) {
    at = static_cast<std::size_t>(member.value.data() - text.data());
  }));
  EXPECT_EQ(at, 10U);
}

TEST(Reader, returns_the_elements_of_an_array_as_they_were_written) {
  const std::string text =
      R"([ {"a": 1 } ,"b\u0020", 1e400,[ ],null])" + std::string(kPadding, ' ');
  Reader reader;
  std::vector<std::string> values;
  const auto visit = [&](std::string_view value) { values.emplace_back(value); };
  ASSERT_TRUE(reader.elements(std::string_view(text).substr(0, text.size() - kPadding), visit));
  EXPECT_EQ(values,
            (std::vector<std::string>{R"({"a": 1 })", R"("b\u0020")", "1e400", "[ ]", "null"}));
  const std::string none = "{}" + std::string(kPadding, ' ');
  EXPECT_FALSE(reader.elements(std::string_view(none).substr(0, 2), visit));
  EXPECT_FALSE(reader.elements("", visit));
}

TEST(Reader, skips_a_byte_order_mark) {
  const std::string text = "\xEF\xBB\xBF{\"a\":7}" + std::string(kPadding, ' ');
  Reader reader;
  const char* seen = nullptr;
  ASSERT_TRUE(reader.members(std::string_view(text).substr(0, text.size() - kPadding),
                             [&](const Member& member) { seen = member.value.data(); }));
  EXPECT_EQ(seen, text.data() + 8);
}

TEST(Reader, refuses_text_that_is_not_one_object) {
  for (const char* text : {"", " ", "[1]", "\"x\"", "{", "{\"a\":1", "{\"a\" 1}", "{\"a\":1}x",
                           "{} {}", "nul", "{\"a\":}", "\xFF{}"})
    EXPECT_FALSE(members_of(text)) << text;
}

TEST(Reader, reads_deep_and_large_texts) {
  const std::string deep = "{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}";
  EXPECT_TRUE(!members_of(deep) || members_of(deep)->size() == 1);
  std::string many = "{";
  for (int i = 0; i < 20000; ++i)
    many += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  many += "\"last\":0}";
  ASSERT_TRUE(members_of(many));
  EXPECT_EQ(members_of(many)->size(), 20001U);
}

TEST(Tokens, are_read_strictly) {
  EXPECT_EQ(string_of(R"("a\n\u00e9")"), "a\n\xC3\xA9");
  EXPECT_EQ(string_of(R"("plain")"), "plain");
  EXPECT_FALSE(string_of("plain"));
  EXPECT_FALSE(string_of("\"open"));
  EXPECT_FALSE(string_of(R"("\ud800")"));
  EXPECT_EQ(count_of("12"), 12);
  for (const char* bad : {"", "-1", "1.0", "1e3", "x", "99999999999999999999"})
    EXPECT_FALSE(count_of(bad)) << bad;
}

TEST(Writer, writes_valid_json_whatever_the_text_is) {
  std::string out;
  Writer writer(out);
  writer.begin_object()
      .member("s", "a\"\\\n\x01")
      .member("bad", std::string_view("\xC3(\xED\xA0\x80"))
      .member("n", 7)
      .member("b", true);
  writer.key("list").begin_array().value(nullptr).value(1.5).raw("{\"raw\":1}").end_array();
  writer.end_object();
  EXPECT_EQ(out,
            "{\"s\":\"a\\\"\\\\\\n\\u0001\",\"bad\":\"\xEF\xBF\xBD("
            "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\","
            "\"n\":7,\"b\":true,\"list\":[null,1.5,{\"raw\":1}]}");
  EXPECT_TRUE(parse_document(out));
}

TEST(Document, names_the_place_of_a_syntax_error) {
  EXPECT_EQ(parse_document("{\n  \"a\": 1,\n}").error().message,
            "not valid JSON at line 3, column 1");
}

TEST(Document, fails_without_an_exception_for_a_number_that_is_too_large) {
  EXPECT_EQ(parse_document("{\"a\":1e999}").error().kind, ErrorKind::kConfiguration);
}

TEST(Document, canonical_text_is_equal_for_equal_values) {
  struct Case {
    const char* description;
    const char* a;
    const char* b;
    bool is_same;
  };
  constexpr Case kCases[] = {
      {"order and white space", R"({"a":1,"b":[2]})", "{ \"b\": [2],\r\n\"a\": 1 }", true},
      {"escapes", R"(["\u00e9\/"])", "[\"\xC3\xA9/\"]", true},
      {"a number with a fraction of nothing", R"([1.0,1e2])", R"([1,100])", true},
      {"another number", R"([1.5])", R"([1])", false},
      {"a text is no number", R"(["1"])", R"([1])", false},
      {"white space in a text", R"(["a b"])", R"(["ab"])", false},
      {"the order of the members of a member", R"({"a":{"b":1,"c":[]}})", R"({"a":{"c":[],"b":1}})",
       true},
      {"a name that stands twice means what it meant last", R"({"a":1,"a":2})", R"({"a":2})", true},
      {"names that end where others begin", R"({"a":"b","c":1})", R"({"a":"b,c","":1})", false},
      {"integers that no double tells apart", "[18446744073709551615]", "[18446744073709551614]",
       false},
      {"nothing and nothing", "{}", "[]", false},
      {"what cannot be a tree", R"([1e400, 1])", R"([1e400,1])", true},
      {"the same with another order", R"({"a":1e400,"b":1})", R"({"b":1,"a":1e400})", false},
  };
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.description);
    EXPECT_EQ(canonical_value(row.a) == canonical_value(row.b), row.is_same);
  }
  const std::string large = "\"" + std::string(70'000, 'x') + "\"";
  EXPECT_EQ(canonical_value("[ " + large + "]"), canonical_value("[" + large + "]"));
}

TEST(Hashes, are_equal_for_equal_values) {
  const auto same = [](const char* a, const char* b) { return value_hash(a) == value_hash(b); };
  EXPECT_TRUE(
      same(R"({"a":1,"b":[true,null,"\u00e9"]})", R"({ "b": [true, null, "é"], "a": 1.0 })"));
  EXPECT_TRUE(same("-0.0", "0"));
  EXPECT_TRUE(same("1e2", "100"));
  EXPECT_FALSE(same("[1,2]", "[2,1]"));
  EXPECT_FALSE(same(R"({"a":"b"})", R"({"b":"a"})"));
  EXPECT_FALSE(same(R"({"a":{"b":1}})", R"({"a":{},"b":1})"));
  EXPECT_FALSE(same("\"1\"", "1"));
  EXPECT_FALSE(same("true", "false"));
  EXPECT_EQ(value_hash("{"), 0U);
}

}  // namespace
}  // namespace ccproxy::json
