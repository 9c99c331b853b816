#include "base/encoding.hpp"

#include <gtest/gtest.h>

namespace ccproxy {
namespace {

TEST(Base64url, encodes_the_vectors_of_rfc_4648_without_padding) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url("\xfb\xff\xbf"), "-_-_");
}

TEST(Base64, encodes_the_vectors_of_rfc_4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xfb\xff\xbf"), "+/+/");
}

TEST(PercentEncoding, encodes_every_byte_so_that_it_is_decoded_again) {
  EXPECT_EQ(percent_encoded("http://localhost:1/callback"),
            "http%3A%2F%2Flocalhost%3A1%2Fcallback");
  EXPECT_EQ(percent_encoded("a b&c=d#e\xc3\xa9"), "a%20b%26c%3Dd%23e%C3%A9");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decoded(percent_encoded(all)), all);
}

TEST(PercentEncoding, decoding_leaves_invalid_escapes_as_they_are) {
  EXPECT_EQ(percent_decoded("a+b%2Bc"), "a b+c");
  EXPECT_EQ(percent_decoded("a+b%2Bc", Plus::kPlus), "a+b+c");
  EXPECT_EQ(percent_decoded("%"), "%");
  EXPECT_EQ(percent_decoded("%4"), "%4");
  EXPECT_EQ(percent_decoded("%zz%41"), "%zzA");
}

TEST(HtmlEscape, leaves_no_markup_in_the_text) {
  EXPECT_EQ(html_escaped("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

TEST(Base64, decodes_valid_text_only) {
  EXPECT_EQ(base64_decoded("JVBERi0xLjQK"), "%PDF-1.4\n");
  EXPECT_EQ(base64_decoded("aGk="), "hi");
  EXPECT_EQ(base64_decoded("aA=="), "h");
  EXPECT_EQ(base64_decoded(""), "");
  for (const char* broken : {"aGk", "aG==k", "====", "a-_b", "aGk\n", "aGk=="})
    EXPECT_FALSE(base64_decoded(broken)) << broken;
}

TEST(Hex, has_two_digits_for_each_byte) { EXPECT_EQ(hex("\x01\xab"), "01ab"); }

}  // namespace
}  // namespace ccproxy
