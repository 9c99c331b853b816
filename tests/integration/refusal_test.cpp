// Refusals of the provider are final: sent once, forwarded unchanged, and explained in a header
// field.
#include <gtest/gtest.h>

#include <string>

#include "support/proxy_fixture.hpp"

namespace ccproxy::test {
namespace {

class Refusal : public testing::TestWithParam<unsigned> {
 protected:
  Reply refuse(int status, const std::string& type, const std::string& message) {
    fixture.set_reply({{"status", status}, {"error", {{"type", type}, {"message", message}}}});
    return send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  }

  ProxyFixture fixture{Plan{.workers = GetParam(),
                            .environment = {{"CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-mine"}}}};
};

INSTANTIATE_TEST_SUITE_P(Workers, Refusal, testing::Values(1U, 2U));

TEST_P(Refusal, keeps_the_providers_message_and_adds_a_warning) {
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

TEST_P(Refusal, is_forwarded_byte_for_byte) {
  for (const std::string& body : {std::string(), std::string("not JSON"), std::string(200'000, 'x'),
                                  std::string(R"({"error" : {"message":"\u0041"} , "x":1})")}) {
    fixture.set_reply({{"status", 400}, {"body", body}});
    const Reply reply =
        send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
    EXPECT_EQ(reply.status, 400);
    EXPECT_TRUE(reply.body == body) << body.size();
    EXPECT_TRUE(reply.complete);
    EXPECT_FALSE(reply.has("x-ccproxy-warning"));
  }
}

TEST_P(Refusal, truncated_error_reports_the_break) {
  fixture.set_reply({{"status", 500},
                     {"error", {{"type", "api_error"}, {"message", std::string(5000, 'x')}}},
                     {"fault", "close-mid"}});
  const Reply reply =
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  EXPECT_EQ(reply.status, 500);
  EXPECT_TRUE(reply.complete);
  EXPECT_NE(reply.body.find("connection lost"), std::string::npos) << reply.raw.substr(0, 300);
}

TEST_P(Refusal, usage_credits_in_use_are_a_warning) {
  fixture.set_reply(
      {{"text", "Hi"}, {"headers", {{"anthropic-ratelimit-unified-overage-in-use", "true"}}}});
  const Reply reply =
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "usage_credits_in_use");
  EXPECT_EQ(fixture.receipt()["warning"], "usage_credits_in_use");
  const Document health = Document::parse(send_request(fixture.port(), "GET", "/health").body);
  EXPECT_EQ(health["limits"]["fields"]["anthropic-ratelimit-unified-overage-in-use"], "true");
}

TEST_P(Refusal, user_agent_is_the_proxys_with_its_own_sign_in) {
  (void)send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                     std::string(kAnthropicFields) +
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
