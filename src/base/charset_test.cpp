#include "base/charset.hpp"

#include <gtest/gtest.h>

namespace ccproxy {
namespace {

using std::string_literals::operator""s;

struct Row {
  const char* says;
  std::string bytes;
  ByteOrder order;
  const char* text;
};

const Row kUtf16[] = {
    {"nothing", "", ByteOrder::kLittle, ""},
    {"a letter in either order", "h\0"s, ByteOrder::kLittle, "h"},
    {"and the other", "\0h"s, ByteOrder::kBig, "h"},
    {"two and three bytes of UTF-8", "\xE9\x00\xAC\x20"s, ByteOrder::kLittle, "é€"},
    {"a pair is one character", "\xD8\x3D\xDE\x00"s, ByteOrder::kBig, "😀"},
    {"half a pair", "\xD8\x3D\0x"s, ByteOrder::kBig, "\xEF\xBF\xBDx"},
    {"the second half alone", "\xDE\x00"s, ByteOrder::kBig, "\xEF\xBF\xBD"},
    {"half a pair at the end", "\xD8\x3D"s, ByteOrder::kBig, "\xEF\xBF\xBD"},
    {"half a unit at the end", "h\0i"s, ByteOrder::kLittle, "h\xEF\xBF\xBD"},
};

TEST(Charset, utf_16_is_read_in_both_orders) {
  for (const Row& row : kUtf16)
    EXPECT_EQ(utf8_of_utf16(row.bytes, row.order), row.text) << row.says;
}

TEST(Charset, latin_1_is_read_as_browsers_read_it) {
  EXPECT_EQ(utf8_of_latin1("na\xEFve \x80 5 \x96 \xFF"), "naïve € 5 – ÿ");
  EXPECT_EQ(utf8_of_latin1("\x81"), "\xC2\x81");
  EXPECT_EQ(utf8_of_latin1("plain"), "plain");
}

}  // namespace
}  // namespace ccproxy
