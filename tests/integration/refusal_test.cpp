// What the provider refuses stays refused: once, unchanged, with an explanation beside it.
#include <gtest/gtest.h>

#include <string>

#include "support/road.hpp"

namespace ccproxy::test {
namespace {

class Refused : public testing::TestWithParam<unsigned> {
 protected:
  Reply refuse(int status, const std::string& type, const std::string& message) {
    fixture.reply({{"status", status}, {"error", {{"type", type}, {"message", message}}}});
    return ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields);
  }

  ProxyFixture fixture{Plan{.workers = GetParam(),
                            .environment = {{"CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-mine"}}}};
};

INSTANTIATE_TEST_SUITE_P(Workers, Refused, testing::Values(1U, 2U));

TEST_P(Refused, a_subscription_is_told_in_the_providers_words_and_explained_beside_them) {
  const std::string message =
      "This credential is only authorized for use with Claude Code and cannot be used for other "
      "API requests.";
  const Reply reply = refuse(400, "invalid_request_error", message);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(Document::parse(reply.body)["error"]["message"], message);
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "subscription_refused");
  const Document receipt = fixture.receipt();
  EXPECT_EQ(receipt["warning"], "subscription_refused");
  EXPECT_NE(receipt["detail"].get<std::string>().find("API key"), std::string::npos);
  const Document requests = fixture.requests();
  EXPECT_EQ(requests.size(), 1U) << "never sent again";
  EXPECT_TRUE(field_of(requests[0], "user-agent").starts_with("ccproxy/"));
}

TEST_P(Refused, bodies_pass_byte_for_byte_whatever_they_are) {
  for (const std::string& body : {std::string(), std::string("not JSON"), std::string(200'000, 'x'),
                                  std::string(R"({"error" : {"message":"\u0041"} , "x":1})")}) {
    fixture.reply({{"status", 400}, {"body", body}});
    const Reply reply = ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields);
    EXPECT_EQ(reply.status, 400);
    EXPECT_TRUE(reply.body == body) << body.size();
    EXPECT_TRUE(reply.complete);
    EXPECT_FALSE(reply.has("x-ccproxy-warning"));
  }
}

TEST_P(Refused, an_error_that_breaks_off_says_so) {
  fixture.reply({{"status", 500},
                 {"error", {{"type", "api_error"}, {"message", std::string(5000, 'x')}}},
                 {"fault", "close-mid"}});
  const Reply reply = ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields);
  EXPECT_EQ(reply.status, 500);
  EXPECT_TRUE(reply.complete);
  EXPECT_NE(reply.body.find("connection lost"), std::string::npos) << reply.raw.substr(0, 300);
}

TEST_P(Refused, usage_credits_are_told_when_they_pay) {
  fixture.reply(
      {{"text", "Hi"}, {"headers", {{"anthropic-ratelimit-unified-overage-in-use", "true"}}}});
  const Reply reply = ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "usage_credits_in_use");
  EXPECT_EQ(fixture.receipt()["warning"], "usage_credits_in_use");
  const Document health = Document::parse(ask(fixture.port(), "GET", "/health").body);
  EXPECT_EQ(health["limits"]["fields"]["anthropic-ratelimit-unified-overage-in-use"], "true");
}

TEST_P(Refused, who_asks_is_this_program_when_the_sign_in_is_its_own) {
  (void)ask(fixture.port(), "POST", "/v1/messages", kWhole,
            std::string(kFields) +
                "user-agent: claude-cli/2.1 (external)\r\nx-app: cli\r\n"
                "anthropic-beta: claude-code-1\r\n");
  const Document seen = fixture.requests().at(0);
  EXPECT_TRUE(field_of(seen, "user-agent").starts_with("ccproxy/"));
  EXPECT_EQ(field_of(seen, "x-app"), "");
  EXPECT_EQ(field_of(seen, "anthropic-beta"), "claude-code-1,oauth-2025-04-20");
  EXPECT_EQ(field_of(seen, "authorization"), "Bearer sk-ant-oat01-mine");
}

}  // namespace
}  // namespace ccproxy::test
