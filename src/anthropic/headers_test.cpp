#include "anthropic/headers.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace ccproxy::anthropic {
namespace {

TEST(RequestHeaders, stop_those_of_the_clients_connection_and_its_credential) {
  for (const char* name : {"connection",
                           "Keep-Alive",
                           "te",
                           "TE",
                           "trailer",
                           "Transfer-Encoding",
                           "upgrade",
                           "proxy-connection",
                           "Proxy-Authorization",
                           "proxy-x",
                           "host",
                           "Content-Length",
                           "authorization",
                           "AUTHORIZATION",
                           "x-api-key",
                           "api-key",
                           "cookie",
                           "x-forwarded-for",
                           "X-Forwarded-Proto",
                           "x-real-ip",
                           "forwarded",
                           "via",
                           "expect",
                           "accept-encoding",
                           "x-ccproxy-key",
                           "X-CCProxy-Strict"})
    EXPECT_FALSE(forwards_request_header(name)) << name;
}

// A family of names has members of every length, those of other names on the list included.
TEST(Headers, of_a_family_are_stopped_at_any_length) {
  for (const char* family : {"proxy-", "X-Forwarded-", "x-ccproxy-"})
    for (std::size_t more = 0; more < 20; ++more) {
      const std::string name = family + std::string(more, 'k');
      EXPECT_FALSE(forwards_request_header(name)) << name;
    }
}

TEST(RequestHeaders, pass_those_for_the_upstream_and_unknown_ones) {
  for (const char* name : {"accept",
                           "origin",
                           "referer",
                           "sec-fetch-mode",
                           "content-type",
                           "Content-Encoding",
                           "anthropic-version",
                           "anthropic-beta",
                           "anthropic-dangerous-direct-browser-access",
                           "anthropic-user-profile-id",
                           "anthropic-workspace-id",
                           "x-stainless-lang",
                           "x-claude-code-session-id",
                           "user-agent",
                           "x-app",
                           "idempotency-key",
                           "x-api-keys",
                           "x-forwarded",
                           "hosts",
                           "cookies",
                           "expects",
                           "t",
                           "x",
                           "traceparent",
                           "proxy",
                           ""})
    EXPECT_TRUE(forwards_request_header(name)) << name;
}

TEST(ResponseHeaders, stop_those_of_the_upstreams_connection) {
  for (const char* name : {"connection", "keep-alive", "proxy-authenticate", "te", "trailer",
                           "Transfer-Encoding", "upgrade", "Set-Cookie", "server", "alt-svc",
                           "content-length", "access-control-allow-origin", "x-ccproxy-warning",
                           "X-Content-Type-Options", "cross-origin-resource-policy"})
    EXPECT_FALSE(forwards_response_header(name)) << name;
}

TEST(ResponseHeaders, pass_all_others) {
  for (const char* name :
       {"date", "request-id", "anthropic-organization-id", "anthropic-ratelimit-requests-reset",
        "retry-after", "x-should-retry", "content-type", "content-disposition", "content-encoding",
        "cf-ray", "via", "server-timing", "content-security-policy", "x-content-type-option",
        "set-cookies", "x-api-key"})
    EXPECT_TRUE(forwards_response_header(name)) << name;
}

struct MergeCase {
  const char* description;
  std::vector<std::string_view> client, ours;
  const char* merged;
};

const MergeCase kMerges[] = {
    {"P70: two lines and ours become one", {"a,b", "b, c"}, {"x"}, "a,b,c,x"},
    {"without any there is nothing", {}, {}, ""},
    {"ours alone", {}, {"x"}, "x"},
    {"what the client has already is not added", {"x,a"}, {"x"}, "x,a"},
    {"empty items vanish", {" ,a,, ", "", "\t b"}, {}, "a,b"},
    {"only exact repetitions are dropped", {"A,a"}, {}, "A,a"},
};

TEST(Betas, merge_in_the_clients_order_with_the_added_ones_behind) {
  for (const auto& row : kMerges)
    EXPECT_EQ(merge_betas(row.client, row.ours), row.merged) << row.description;
}

TEST(Betas, merge_any_number_without_loss) {
  std::string line;
  for (int i = 0; i < 5000; ++i) line += (i == 0 ? "b" : ",b") + std::to_string(i);
  const std::vector<std::string_view> lines = {line};
  EXPECT_EQ(merge_betas(lines, {}), line);
}

}  // namespace
}  // namespace ccproxy::anthropic
