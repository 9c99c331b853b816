#include "telemetry/outside_text.hpp"

#include <gtest/gtest.h>

#include <string>

#include "json/document.hpp"

namespace ccproxy::telemetry {
namespace {

struct Row {
  const char* why;
  std::string text;
  std::string shown;   // expected outside quotes
  std::string quoted;  // expected inside quotes
};

const Row kRows[] = {
    {"plain text stays", "claude-opus-5", "claude-opus-5", "claude-opus-5"},
    {"so does text of other scripts", "模型 é", "模型 é", "模型 é"},
    {"quotes and backslashes are escaped in quotes", "a\"b\\", "a\"b\\", "a\\\"b\\\\"},
    {"a line end cannot begin another line", "a\nb\r\tc", "a\\nb\\r\\tc", "a\\nb\\r\\tc"},
    {"an escape sequence does nothing", "\x1b[2J", "\\u001b[2J", "\\u001b[2J"},
    {"nor does one of C1", "\xc2\x9b\x32J", "\\u009b2J", "\\u009b2J"},
    {"the direction of writing stays", "a\xe2\x80\xae b", "a\\u202e b", "a\\u202e b"},
    {"isolates as well", "\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069", "\\u2066x\\u2069"},
    {"an Arabic mark as well", "\xd8\x9c", "\\u061c", "\\u061c"},
    {"what is no UTF-8 is seen", "a\xff\xc3", "a\\xff\\xc3", "a\\\\xff\\\\xc3"},
    {"nothing overlong", "\xc0\xaf", "\\xc0\\xaf", "\\\\xc0\\\\xaf"},
    {"no half of a pair", "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80"},
    {"nothing stays nothing", "", "", ""},
};

TEST(OutsideText, escapes_what_a_terminal_would_obey) {
  for (const Row& row : kRows) {
    std::string shown, quoted;
    append_shown(shown, row.text, {}, false);
    append_shown(quoted, row.text, {}, true);
    EXPECT_EQ(shown, row.shown) << row.why;
    EXPECT_EQ(quoted, row.quoted) << row.why;
    EXPECT_TRUE(json::Document::accept("\"" + quoted + "\"")) << row.why;
  }
}

std::string cut(std::string_view text, Bound bound) {
  std::string shown;
  append_shown(shown, text, bound, false);
  return shown;
}

TEST(OutsideText, is_cut_between_characters) {
  EXPECT_EQ(cut(std::string(128, 'x'), {}), std::string(128, 'x'));
  EXPECT_EQ(cut(std::string(129, 'x'), {}), std::string(128, 'x') + "...");
  EXPECT_EQ(cut("äöü", {3, 3}), "äöü");
  EXPECT_EQ(cut("äöü", {2, 2}), "äö...");
  EXPECT_EQ(cut("a bbbb cc", {100, 3}), "a bbb... cc") << "a long word of a sentence is cut";
  EXPECT_EQ(cut("a bbbb cc", {7, 3}), "a bbb... ...");
  EXPECT_LT(cut(std::string(24 << 20, 'x'), {}).size(), 200U)
      << "a large request once made a line of its size";
}

}  // namespace
}  // namespace ccproxy::telemetry
