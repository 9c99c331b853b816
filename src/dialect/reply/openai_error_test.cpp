#include "dialect/reply/openai_error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dialect/reply/error_param.hpp"

namespace ccproxy::dialect {
namespace {

using std::chrono::milliseconds;

const Instant kNow = instant_of("2026-03-01T12:00:00Z").value();

std::string upstream_body(const std::string& type, const std::string& message) {
  return R"({"type":"error","error":{"type":")" + type + R"(","message":")" + message + R"("}})";
}

std::string field(const ErrorReply& reply, const std::string& name) {
  for (const auto& [key, value] : reply.fields)
    if (key == name) return value;
  return "-";
}

struct Row {
  int status;
  const char* type;
  const char* message;
  int expected_status;
  const char* tail;  // of the body, behind the message
  const char* should_retry = "-";
};

const Row kRows[] = {
    {400, "invalid_request_error", "bad", 400,
     R"("type":"invalid_request_error","param":null,"code":null}})"},
    {400, "invalid_request_error", "messages.3.content.0.text: empty", 400,
     R"("type":"invalid_request_error","param":"messages[3].content[0].text","code":null}})"},
    {400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", 400,
     R"("type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})"},
    {400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
     400,
     R"("type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})"},
    {400, "invalid_request_error", "Your credit balance is too low to access the API", 429,
     R"("type":"insufficient_quota","param":null,"code":"insufficient_quota"}})", "false"},
    {400, "invalid_request_error",
     "You have reached your specified API usage limits. You will regain access on 2026-12-01 at "
     "00:00 UTC.",
     429, R"("type":"insufficient_quota","param":null,"code":"insufficient_quota"}})", "false"},
    {400, "invalid_request_error",
     "You have reached your specified workspace API usage limits. You will regain access on "
     "2026-12-01 at 00:00 UTC.",
     429, R"("type":"insufficient_quota","param":null,"code":"insufficient_quota"}})", "false"},
    {400, "invalid_request_error", "Input is too long for requested model.", 400,
     R"("type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})"},
    {400, "invalid_request_error", "messages.0.name: input is longer than 64 characters", 400,
     R"("type":"invalid_request_error","param":"messages[0].name","code":null}})"},
    {402, "billing_error", "pay", 429,
     R"("type":"insufficient_quota","param":null,"code":"insufficient_quota"}})", "false"},
    {400, "invalid_request_error", "more than the model's context window", 400,
     R"("type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})"},
    {403, "permission_error", "no", 403,
     R"("type":"permission_error","param":null,"code":"permission_denied"}})"},
    {404, "not_found_error", "model: claude-none", 404,
     R"("type":"invalid_request_error","param":"model","code":"model_not_found"}})"},
    {404, "not_found_error", "The requested Model does not exist", 404,
     R"("type":"invalid_request_error","param":"model","code":"model_not_found"}})"},
    {404, "not_found_error", "File not found", 404,
     R"("type":"invalid_request_error","param":null,"code":null}})"},
    {409, "conflict_error", "busy", 409,
     R"("type":"invalid_request_error","param":null,"code":"conflict"}})"},
    {413, "request_too_large", "big", 413,
     R"("type":"invalid_request_error","param":null,"code":"request_too_large"}})"},
    {429, "rate_limit_error", "slow down", 429,
     R"("type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}})"},
    {500, "api_error", "oops", 500,
     R"("type":"server_error","param":null,"code":"server_error"}})"},
    {504, "timeout_error", "late", 504, R"("type":"server_error","param":null,"code":"timeout"}})"},
    {529, "overloaded_error", "Overloaded", 503,
     R"("type":"server_error","param":null,"code":"overloaded"}})"},
    {418, "teapot", "short and stout", 418,
     R"("type":"invalid_request_error","param":null,"code":null}})"},
    {503, "new_error", "down", 503, R"("type":"server_error","param":null,"code":null}})"},
};

TEST(OpenAiError, has_openais_type_and_code_for_each_upstream_error_p42) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(testing::Message() << row.status << " " << row.message);
    const std::string body = upstream_body(row.type, row.message);
    const ErrorReply reply = openai_error(Dialect::kChat, {row.status, body, {}}, "own", kNow);
    EXPECT_EQ(reply.status, row.expected_status);
    EXPECT_EQ(reply.body,
              std::string(R"({"error":{"message":")") + row.message + R"(",)" + row.tail);
    EXPECT_EQ(field(reply, "x-should-retry"), row.should_retry);
    EXPECT_EQ(field(reply, "x-ccproxy-upstream-status"), std::to_string(row.status));
  }
}

TEST(OpenAiError, of_a_refused_credential_says_that_it_is_the_proxys_and_what_to_do) {
  const std::string body = upstream_body("authentication_error", "invalid x-api-key");
  const ErrorReply reply = openai_error(Dialect::kChat, {401, body, {}}, "own", kNow);
  EXPECT_EQ(reply.status, 401);
  EXPECT_NE(reply.body.find("ccproxy login"), std::string::npos);
  EXPECT_NE(reply.body.find(R"("type":"authentication_error","param":null,"code":"upstream_auth")"),
            std::string::npos);
  EXPECT_EQ(field(reply, "x-should-retry"), "false");
}

TEST(QuotedExcerpt, is_one_line_without_secrets) {
  EXPECT_EQ(quoted_excerpt(""), "");
  EXPECT_EQ(quoted_excerpt(" \n "), "");
  EXPECT_EQ(quoted_excerpt("{\n  \"detail\": \"no key sk-ant-1 here\"\r\n}"),
            ": \"{ \"detail\": \"no key *** here\" }\"");
  EXPECT_EQ(quoted_excerpt("余额不足"), ": \"余额不足\"");
  EXPECT_EQ(quoted_excerpt("a\xff\x01"), ": \"a??\"");
  const std::string long_text = quoted_excerpt("x" + std::string(1000, 'y'));
  EXPECT_EQ(long_text.size(), 300U + 7U);
  EXPECT_TRUE(long_text.ends_with("y...\""));
  std::string cut = "x";
  for (int i = 0; i < 200; ++i) cut += "é";
  EXPECT_EQ(quoted_excerpt(cut).find('?'), std::string::npos) << "no character is cut";
}

TEST(OpenAiError, of_an_enforced_spend_limit_is_insufficient_quota_at_any_status) {
  const ErrorReply reply =
      openai_error(Dialect::kChat,
                   {403,
                    R"({"error":{"type":"permission_error","message":"m",)"
                    R"("details":{"error_code":"enforced_spend_limit_reached"}}})",
                    {}},
                   "own", kNow);
  EXPECT_EQ(reply.status, 429);
  EXPECT_NE(reply.body.find(R"("code":"insufficient_quota")"), std::string::npos);
}

TEST(OpenAiError, of_a_spent_subscription_window_says_when_it_ends) {
  const std::vector<FieldView> fields = {{"Anthropic-RateLimit-Unified-Status", "rejected"},
                                         {"anthropic-ratelimit-unified-reset", "1772370000"}};
  const std::string body = upstream_body("rate_limit_error", "m");
  const ErrorReply reply = openai_error(Dialect::kChat, {429, body, fields}, "own", kNow);
  EXPECT_EQ(field(reply, "x-should-retry"), "false") << "for hours it would be the same";
  EXPECT_EQ(reply.body, R"({"error":{"message":"m","type":"usage_limit_reached","param":null,)"
                        R"("code":"usage_limit_reached","resets_at":1772370000}})");
}

TEST(OpenAiError, of_another_status_ignores_a_spent_subscription_window) {
  const std::vector<FieldView> fields = {{"anthropic-ratelimit-unified-status", "rejected"},
                                         {"anthropic-ratelimit-unified-reset", "1772370000"}};
  const std::string body = upstream_body("invalid_request_error", "m");
  const ErrorReply reply = openai_error(Dialect::kChat, {400, body, fields}, "own", kNow);
  EXPECT_EQ(reply.body.find("resets_at"), std::string::npos);
  EXPECT_NE(reply.body.find(R"("type":"invalid_request_error")"), std::string::npos);
}

TEST(OpenAiError, has_the_header_fields_that_clients_act_on_p42) {
  const std::vector<FieldView> fields = {
      {"Retry-After", "7"}, {"request-id", "req_head"}, {"x-should-retry", "true"}};
  const std::string body =
      R"({"type":"error","error":{"type":"rate_limit_error","message":"M"},"request_id":"req_1"})";
  const ErrorReply reply = openai_error(Dialect::kChat, {429, body, fields}, "own", kNow);
  EXPECT_EQ(field(reply, "retry-after"), "7");
  EXPECT_EQ(field(reply, "x-request-id"), "req_head");
  EXPECT_EQ(field(reply, "x-should-retry"), "true");
  EXPECT_EQ(field(openai_error(Dialect::kChat, {429, body, {}}, "own", kNow), "x-request-id"),
            "req_1");
  EXPECT_EQ(field(openai_error(Dialect::kChat, {429, "", {}}, "own", kNow), "x-request-id"), "own");
}

TEST(OpenAiError, of_an_html_page_is_json_p42) {
  const ErrorReply reply =
      openai_error(Dialect::kChat, {502, "<html>Bad Gateway</html>", {}}, "own", kNow);
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.body, R"({"error":{"message":"the upstream answered 502 without saying why",)"
                        R"("type":"server_error","param":null,"code":null}})");
}

// Agents retry when a message contains a status that may pass, or a lost connection.
TEST(OpenAiError, without_an_upstream_message_names_a_status_only_where_a_retry_may_help) {
  struct Silent {
    int status;
    const char* message;
  };
  for (const Silent& row : {Silent{400, "the upstream refused the request without saying why"},
                            Silent{404, "the upstream refused the request without saying why"},
                            Silent{429, "the upstream answered 429 without saying why"},
                            Silent{529, "the upstream answered 529 without saying why"}})
    EXPECT_NE(openai_error(Dialect::kChat, {row.status, "", {}}, "own", kNow)
                  .body.find("\"" + std::string(row.message) + "\""),
              std::string::npos)
        << row.status;
  EXPECT_EQ(openai_failure(anthropic::Failure{{"api_error"}, {}}).message,
            "connection lost: the upstream ended its answer with an error");
  EXPECT_EQ(openai_failure(anthropic::Failure{{"invalid_request_error"}, {}}).message,
            "the upstream ended its answer with an error");
}

TEST(OpenAiError, of_a_stream_event_follows_its_type_p40) {
  const anthropic::Failure overloaded{{"overloaded_error"}, {"Over\\u0022loaded"}};
  const ErrorReply reply = openai_error(Dialect::kChat, overloaded);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, R"({"error":{"message":"Over\"loaded","type":"server_error",)"
                        R"("param":null,"code":"overloaded"}})");
  EXPECT_NE(openai_error(Dialect::kChat, anthropic::Failure{{"billing_error"}, {"m"}})
                .body.find(R"("code":"insufficient_quota")"),
            std::string::npos);
  EXPECT_EQ(openai_error(Dialect::kChat, anthropic::Failure{{"rate_limit_error"}, {"m"}}).status,
            429);
  EXPECT_EQ(
      openai_error(Dialect::kChat, anthropic::Failure{{"invalid_request_error"}, {"m"}}).status,
      400);
  EXPECT_EQ(openai_error(Dialect::kChat, anthropic::Failure{{"brand_new"}, {}}).status, 500);
}

TEST(RateLimitFields, have_openais_names_and_durations) {
  const std::vector<FieldView> fields = {
      {"anthropic-ratelimit-requests-limit", "50"},
      {"anthropic-ratelimit-requests-remaining", "49"},
      {"anthropic-ratelimit-requests-reset", "2026-03-01T12:01:03Z"},
      {"anthropic-ratelimit-input-tokens-limit", "8000"},
      {"anthropic-ratelimit-input-tokens-remaining", "7000"},
      {"anthropic-ratelimit-input-tokens-reset", "2026-03-01T11:59:00Z"}};
  const Fields expected = {
      {"x-ratelimit-limit-requests", "50"},     {"x-ratelimit-remaining-requests", "49"},
      {"x-ratelimit-reset-requests", "1m3s"},   {"x-ratelimit-limit-tokens", "8000"},
      {"x-ratelimit-remaining-tokens", "7000"}, {"x-ratelimit-reset-tokens", "0s"}};
  EXPECT_EQ(openai_rate_limit_fields(fields, kNow), expected);
}

TEST(RateLimitFields, prefer_the_sum_of_tokens) {
  const std::vector<FieldView> fields = {{"anthropic-ratelimit-input-tokens-limit", "1"},
                                         {"anthropic-ratelimit-tokens-limit", "2"}};
  EXPECT_EQ(openai_rate_limit_fields(fields, kNow), (Fields{{"x-ratelimit-limit-tokens", "2"}}));
  EXPECT_TRUE(openai_rate_limit_fields({}, kNow).empty());
}

TEST(ClientParam, is_the_path_at_the_beginning_of_a_message) {
  const struct {
    const char* message;
    const char* param;
  } rows[] = {
      {"messages.3.content.1.image.source: bad", "messages[3].content[1].image.source"},
      {"tools.0.custom.input_schema: bad", "tools[0].custom.input_schema"},
      {"stop_sequences.0: bad", "stop[0]"},
      {"system.1.text: bad", "messages"},
      {"max_tokens: too many", "max_tokens"},
      {"output_config.effort: bad", ""},
      {"messages..x: bad", ""},
      {"messages is bad", ""},
      {"messages", ""},
      {"", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(client_param(row.message), row.param) << row.message;
}

TEST(WithoutSecrets, removes_keys_and_addresses) {
  EXPECT_EQ(without_secrets("key sk-ant-api03-x of me@example.org is  bad"),
            "key *** of *** is  bad");
}

}  // namespace
}  // namespace ccproxy::dialect
