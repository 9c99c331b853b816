#include "config/base_url.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace ccproxy::config {
namespace {

struct Good {
  const char* text;
  bool tls;
  const char* host;
  int port;
  const char* prefix;
  const char* header;
};

const Good kGood[] = {
    {"https://api.anthropic.com", true, "api.anthropic.com", 443, "", "api.anthropic.com"},
    {"https://api.anthropic.com:443/", true, "api.anthropic.com", 443, "", "api.anthropic.com"},
    {"HTTP://127.0.0.1:8080", false, "127.0.0.1", 8080, "", "127.0.0.1:8080"},
    {"http://gw.example/anthropic/", false, "gw.example", 80, "/anthropic", "gw.example"},
    {"https://[::1]:8443/a/b", true, "::1", 8443, "/a/b", "[::1]:8443"},
};

TEST(BaseUrl, is_split_into_its_parts) {
  for (const Good& row : kGood) {
    SCOPED_TRACE(row.text);
    const auto url = parse_base_url(row.text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->tls, row.tls);
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->path_prefix, row.prefix);
    EXPECT_EQ(url->host_header, row.header);
  }
}

TEST(ApiPrefix, ignores_v1_at_the_end) {
  for (const auto& [text, prefix] : {std::pair("https://a", ""),
                                     {"https://a/v1", ""},
                                     {"https://a/v1/", ""},
                                     {"https://a//v1//", ""},
                                     {"https://a/anthropic", "/anthropic"},
                                     {"https://a/anthropic/v1", "/anthropic"},
                                     {"https://a/v1/anthropic", "/v1/anthropic"},
                                     {"https://a/xv1", "/xv1"}})
    EXPECT_EQ(api_prefix(parse_base_url(text).value()), prefix) << text;
}

TEST(BaseUrl, is_refused_with_the_name_of_its_key) {
  for (const char* text :
       {"", "api.anthropic.com", "ftp://x", "https://", "https://:443", "https://a:0",
        "https://a:65536", "https://a:b", "https://u:p@a", "https://a?x=1", "https://a#f",
        "https://[::1", "https://[::1]x", "https://[host]", "https://::1", "https://a b",
        "https://a/\xC3\xA9", "https://a\r\nX: y"}) {
    const auto url = parse_base_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().kind, ErrorKind::kConfiguration);
    EXPECT_NE(url.error().message.find("upstream.baseUrl"), std::string::npos);
  }
}

}  // namespace
}  // namespace ccproxy::config
