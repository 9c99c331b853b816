#include "base/charset.hpp"

#include <gtest/gtest.h>

namespace ccproxy {
namespace {

using std::string_literals::operator""s;

struct Row {
  const char* description;
  std::string bytes;
  ByteOrder order;
  const char* text;
};

const Row kUtf16[] = {
    {"empty text stays empty", "", ByteOrder::kLittle, ""},
    {"the low byte comes first in little-endian text", "h\0"s, ByteOrder::kLittle, "h"},
    {"the high byte comes first in big-endian text", "\0h"s, ByteOrder::kBig, "h"},
    {"a unit may take two or three bytes of UTF-8", "\xE9\x00\xAC\x20"s, ByteOrder::kLittle, "é€"},
    {"a surrogate pair is one character", "\xD8\x3D\xDE\x00"s, ByteOrder::kBig, "😀"},
    {"a high surrogate alone is replaced", "\xD8\x3D\0x"s, ByteOrder::kBig, "\xEF\xBF\xBDx"},
    {"a low surrogate alone is replaced", "\xDE\x00"s, ByteOrder::kBig, "\xEF\xBF\xBD"},
    {"a high surrogate at the end is replaced", "\xD8\x3D"s, ByteOrder::kBig, "\xEF\xBF\xBD"},
    {"an odd byte at the end is replaced", "h\0i"s, ByteOrder::kLittle, "h\xEF\xBF\xBD"},
};

TEST(Charset, reads_utf_16_in_both_byte_orders) {
  for (const Row& row : kUtf16)
    EXPECT_EQ(utf8_of_utf16(row.bytes, row.order), row.text) << row.description;
}

TEST(Charset, reads_latin_1_as_browsers_do) {
  EXPECT_EQ(utf8_of_latin1("na\xEFve \x80 5 \x96 \xFF"), "naïve € 5 – ÿ");
  EXPECT_EQ(utf8_of_latin1("\x81"), "\xC2\x81");
  EXPECT_EQ(utf8_of_latin1("plain"), "plain");
}

}  // namespace
}  // namespace ccproxy
