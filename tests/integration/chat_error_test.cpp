// Errors on the Chat Completions route: the upstream's errors in OpenAI's form, errors in the
// middle of a stream, and which of them are retried.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/chat.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kNoRetries = R"({"upstream":{"maxRetries":0}})";

class ChatError : public testing::TestWithParam<unsigned> {
 protected:
  // Returns the error object of a reply, which must have that status.
  [[nodiscard]] static Document error_of(const Reply& reply, int status) {
    EXPECT_EQ(reply.status, status) << reply.raw;
    EXPECT_EQ(reply.field("content-type"), "application/json");
    return Document::parse(reply.body).at("error");
  }

  ProxyFixture fixture{Plan{.workers = GetParam(), .config = kNoRetries}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ChatError, testing::Values(1U, 2U));

TEST_P(ChatError, maps_upstream_errors_to_openai_errors_p42) {
  struct Row {
    int theirs;
    const char *type, *message;
    int ours;
    const char *our_type, *our_code, *param;
  };
  for (const Row& row : std::vector<Row>{
           {429, "rate_limit_error", "M", 429, "rate_limit_error", "rate_limit_exceeded", ""},
           {529, "overloaded_error", "M", 503, "server_error", "overloaded", ""},
           {500, "api_error", "M", 500, "server_error", "server_error", ""},
           {504, "timeout_error", "M", 504, "server_error", "timeout", ""},
           {403, "permission_error", "M", 403, "permission_error", "permission_denied", ""},
           {409, "conflict_error", "M", 409, "invalid_request_error", "conflict", ""},
           {413, "request_too_large", "M", 413, "invalid_request_error", "request_too_large", ""},
           {402, "billing_error", "M", 429, "insufficient_quota", "insufficient_quota", ""},
           {404, "not_found_error", "model: nope", 404, "invalid_request_error", "model_not_found",
            "model"},
           {400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", 400,
            "invalid_request_error", "context_length_exceeded", "messages"}}) {
    SCOPED_TRACE(row.theirs);
    fixture.set_reply({{"status", row.theirs},
                       {"headers", {{"retry-after", "7"}, {"request-id", "req_1"}}},
                       {"error", {{"type", row.type}, {"message", row.message}}}});
    for (const bool streams : {false, true}) {
      const Reply reply = post_chat(fixture, chat_body({{"stream", streams}}));
      const Document error = error_of(reply, row.ours);
      EXPECT_EQ(error["message"], row.message);
      EXPECT_EQ(error["type"], row.our_type);
      EXPECT_EQ(error["code"], row.our_code);
      EXPECT_EQ(error["param"], *row.param ? Document(row.param) : Document());
      EXPECT_EQ(reply.field("retry-after"), "7");
      EXPECT_EQ(reply.field("x-request-id"), "req_1");
      EXPECT_EQ(reply.field("x-ccproxy-upstream-status"), std::to_string(row.theirs));
    }
  }
}

TEST_P(ChatError, html_page_becomes_a_json_error_p42) {
  fixture.set_reply({{"status", 502}, {"body", "<html>Bad gateway</html>"}});
  const Document error = error_of(post_chat(fixture, chat_body()), 502);
  EXPECT_EQ(error["type"], "server_error");
  EXPECT_EQ(error.size(), 4U);
}

TEST_P(ChatError, with_status_200_keeps_the_upstreams_message) {
  for (const bool streams : {false, true}) {
    fixture.set_reply(
        {{"status", 200},
         {"headers", {{"content-type", "application/json"}}},
         {"body",
          {{"type", "error"},
           {"error", {{"type", "overloaded_error"}, {"message", "Too busy just now"}}}}}});
    const Document overloaded = error_of(post_chat(fixture, chat_body({{"stream", streams}})), 503);
    EXPECT_EQ(overloaded["message"], "Too busy just now");
    EXPECT_EQ(overloaded["code"], "overloaded");

    fixture.set_reply({{"status", 200},
                       {"headers", {{"content-type", "application/json"}}},
                       {"body", {{"detail", "账户余额不足, key sk-ant-1"}}}});
    const Document odd = error_of(post_chat(fixture, chat_body({{"stream", streams}})), 502);
    EXPECT_NE(odd["message"].get<std::string>().find("账户余额不足"), std::string::npos) << odd;
    EXPECT_EQ(odd["message"].get<std::string>().find("sk-ant-1"), std::string::npos) << odd;
  }
}

TEST_P(ChatError, usage_limit_is_insufficient_quota_on_every_route) {
  fixture.set_reply({{"status", 400},
                     {"error",
                      {{"type", "invalid_request_error"},
                       {"message", "You have reached your specified API usage limits."}}}});
  for (const char* target : {kChat, "/v1/responses"}) {
    Document body = chat_body();
    if (std::string(target) != kChat) body = {{"model", "claude-sonnet-5"}, {"input", "Hi"}};
    const Reply reply = send_request(fixture.port(), "POST", target, body.dump(), kOpenAiFields);
    EXPECT_EQ(error_of(reply, 429)["code"], "insufficient_quota") << target;
    EXPECT_EQ(reply.field("x-should-retry"), "false");
  }
}

TEST_P(ChatError, authentication_error_says_how_to_sign_in_and_is_not_retried) {
  fixture.set_reply(
      {{"status", 401},
       {"error", {{"type", "authentication_error"}, {"message", "invalid x-api-key"}}}});
  const Reply reply = post_chat(fixture, chat_body());
  const Document error = error_of(reply, 401);
  EXPECT_EQ(error["code"], "upstream_auth");
  EXPECT_NE(error["message"].get<std::string>().find("ccproxy login"), std::string::npos);
  EXPECT_EQ(reply.field("x-should-retry"), "false");
}

TEST_P(ChatError, exhausted_window_says_when_it_resets) {
  fixture.set_reply({{"status", 429},
                     {"headers",
                      {{"anthropic-ratelimit-unified-status", "rejected"},
                       {"anthropic-ratelimit-unified-reset", "1795500000"}}},
                     {"error", {{"type", "rate_limit_error"}, {"message", "M"}}}});
  const Document error = error_of(post_chat(fixture, chat_body()), 429);
  EXPECT_EQ(error["code"], "usage_limit_reached");
  EXPECT_EQ(error["resets_at"], 1795500000);
}

TEST_P(ChatError, every_reply_has_the_windows_of_a_subscription_d43_d44) {
  const Document windows = {{"anthropic-ratelimit-unified-status", "allowed"},
                            {"anthropic-ratelimit-unified-5h-utilization", "0.7"},
                            {"anthropic-ratelimit-unified-overage-in-use", "true"}};
  for (const int status : {200, 400}) {
    Document script = {{"status", status}, {"headers", windows}};
    if (status == 200)
      script["text"] = "Hi";
    else
      script["error"] = "invalid_request_error";
    fixture.set_reply(script);
    const Reply reply = post_chat(fixture, chat_body());
    EXPECT_EQ(reply.status, status);
    for (const auto& [name, value] : windows.items()) EXPECT_EQ(reply.field(name), value) << name;
    EXPECT_EQ(reply.field("x-ccproxy-warning"), "usage_credits_in_use");
  }
}

TEST_P(ChatError, rate_limits_get_openais_names) {
  const Reply reply = post_chat(fixture, chat_body());
  EXPECT_EQ(reply.field("x-ratelimit-limit-requests"),
            reply.field("anthropic-ratelimit-requests-limit"));
  EXPECT_NE(reply.field("x-ratelimit-remaining-tokens"), "");
  EXPECT_NE(reply.field("x-ratelimit-reset-requests").find('s'), std::string::npos);
}

// A refusal for reasons of the provider's policy keeps its message, gets one sentence of
// explanation, and is sent once.
TEST_P(ChatError, policy_refusal_keeps_its_message_and_is_never_retried) {
  ProxyFixture retrying{Plan{.workers = GetParam()}};
  const std::string words = "Third-party apps now draw from your extra usage, not your plan.";
  retrying.set_reply({{"status", 400},
                      {"headers", {{"x-should-retry", "true"}}},
                      {"error", {{"type", "invalid_request_error"}, {"message", words}}}});
  const Reply reply = post_chat(retrying, chat_body());
  const Document error = error_of(reply, 400);
  const std::string message = error["message"];
  EXPECT_TRUE(message.starts_with(words)) << message;
  EXPECT_NE(message.find("API key"), std::string::npos);
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "usage_credits_needed");
  EXPECT_EQ(reply.field("x-should-retry"), "false");
  EXPECT_EQ(retrying.requests().size(), 1U);
}

// Case C35, P40: the error event comes after the first text, or before it.
TEST_P(ChatError, in_the_middle_of_a_stream_is_the_last_chunk_p40_c35) {
  fixture.set_reply({{"text", "Hel lo and more"}, {"fault", "error-mid=4"}});
  const Reply reply = post_chat(fixture, chat_body({{"stream", true}}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.complete);
  const ChatStream read = read_chunks(reply.body);
  EXPECT_NE(read.text(), "");
  EXPECT_EQ(read.error()["type"], "server_error");
  EXPECT_EQ(read.error()["code"], "overloaded");
  EXPECT_TRUE(read.chunks.back().contains("error"));
  EXPECT_EQ(read.finish_reason(), "");
  EXPECT_EQ(read.done, 0);
  const Document whole = error_of(post_chat(fixture, chat_body()), 503);
  EXPECT_EQ(whole, read.error());
}

TEST_P(ChatError, before_the_first_block_has_a_status) {
  Document events = Document::array();
  events.push_back({{"raw", message_start_event()}});
  events.push_back({{"data",
                     {{"type", "error"},
                      {"error", {{"type", "overloaded_error"}, {"message", "Overloaded"}}}}}});
  fixture.set_reply(
      {{"events", events}, {"headers", {{"retry-after", "3"}, {"request-id", "req_2"}}}});
  for (const bool streams : {false, true}) {
    const Reply reply = post_chat(fixture, chat_body({{"stream", streams}}));
    EXPECT_EQ(error_of(reply, 503)["message"], "Overloaded");
    EXPECT_EQ(reply.field("retry-after"), "3");
    EXPECT_EQ(reply.field("x-request-id"), "req_2");
  }
}

TEST_P(ChatError, truncated_message_is_reported_as_broken_p41) {
  for (const char* fault : {"end-mid=4", "close-mid=4", "reset-mid=4"}) {
    SCOPED_TRACE(fault);
    fixture.set_reply({{"text", "Hel lo and more"}, {"fault", fault}});
    const Reply reply = post_chat(fixture, chat_body({{"stream", true}}));
    EXPECT_EQ(reply.status, 200);
    const ChatStream read = read_chunks(reply.body);
    EXPECT_EQ(read.error()["code"], "upstream_unreachable");
    EXPECT_EQ(read.done, 0);
    EXPECT_EQ(error_of(post_chat(fixture, chat_body()), 502)["code"], "upstream_unreachable");
  }
}

TEST_P(ChatError, response_that_is_no_stream_is_a_502) {
  fixture.set_reply({{"status", 200}, {"body", R"({"type":"message"})"}});
  EXPECT_EQ(error_of(post_chat(fixture, chat_body()), 502)["code"], "upstream_unreachable");
  fixture.set_reply({{"raw", "data: not json\n\n"}});
  EXPECT_EQ(error_of(post_chat(fixture, chat_body({{"stream", true}})), 502)["code"],
            "upstream_unreachable");
}

class ChatRetry : public testing::TestWithParam<unsigned> {
 protected:
  // Makes the mock reply `times` times with `status`, then with a text.
  void fail_first(int times, int status, const Document& headers = Document::object()) {
    fixture.set_script(
        {{"replies",
          {{{"times", times}, {"status", status}, {"headers", headers}}, {{"text", "Hi"}}}}});
  }
  [[nodiscard]] int chat_status() { return post_chat(fixture, chat_body()).status; }

  ProxyFixture fixture{
      Plan{.workers = GetParam(), .config = R"({"upstream":{"maxRetryWaitSeconds":2}})"}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ChatRetry, testing::Values(1U, 2U));

TEST_P(ChatRetry, retries_a_busy_upstream) {
  for (const int status : {408, 409, 500, 502, 503, 504, 529}) {
    fixture.clear_requests();
    fail_first(1, status);
    EXPECT_EQ(chat_status(), 200) << status;
    EXPECT_EQ(fixture.requests().size(), 2U) << status;
  }
  EXPECT_EQ(fixture.receipts(7).back()["retries"], 1);
}

TEST_P(ChatRetry, gives_up_after_two_retries) {
  fail_first(9, 529);
  EXPECT_EQ(chat_status(), 503);
  EXPECT_EQ(fixture.requests().size(), 3U);
}

TEST_P(ChatRetry, waits_for_retry_after) {
  fail_first(1, 429, {{"retry-after-ms", "300"}});
  const auto begin = steady_clock::now();
  EXPECT_EQ(chat_status(), 200);
  EXPECT_GE(steady_clock::now() - begin, milliseconds(300));
  fail_first(1, 429, {{"retry-after", "1"}});
  EXPECT_EQ(chat_status(), 200);
  EXPECT_GE(steady_clock::now() - begin, milliseconds(1300));
}

TEST_P(ChatRetry, leaves_a_long_wait_to_the_client) {
  fail_first(1, 429, {{"retry-after", "3"}});
  const Reply reply = post_chat(fixture, chat_body());
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.field("retry-after"), "3");
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(ChatRetry, does_not_retry_final_errors) {
  const auto once = [&](int status, const Document& headers) {
    fixture.clear_requests();
    fail_first(1, status, headers);
    EXPECT_NE(chat_status(), 200) << status;
    EXPECT_EQ(fixture.requests().size(), 1U) << status;
  };
  once(400, Document::object());
  once(403, Document::object());
  once(404, Document::object());
  once(413, Document::object());
  once(529, {{"x-should-retry", "false"}});
  // A 429 without a time means a spending limit.
  fixture.clear_requests();
  fixture.set_script(
      {{"replies",
        {{{"times", 1},
          {"status", 429},
          {"body",
           {{"type", "error"}, {"error", {{"type", "rate_limit_error"}, {"message", "M"}}}}}},
         {{"text", "Hi"}}}}});
  EXPECT_EQ(chat_status(), 429);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(ChatRetry, obeys_x_should_retry) {
  fail_first(1, 418, {{"x-should-retry", "true"}});
  EXPECT_EQ(chat_status(), 200);
}

TEST_P(ChatRetry, does_not_retry_an_error_inside_a_message) {
  fixture.set_reply({{"text", "Hi there"}, {"fault", "error-mid=1"}});
  EXPECT_EQ(chat_status(), 503);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(ChatRetry, ends_when_the_client_disconnects_during_the_wait) {
  fail_first(9, 429, {{"retry-after", "2"}});
  RawClient client(fixture.port());
  client.send(request("POST", kChat, chat_body().dump(), kOpenAiFields));
  ASSERT_TRUE(wait_until([&] { return fixture.requests().size() == 1; }));
  client.close();
  EXPECT_EQ(fixture.receipt()["ended"], "client_gone");
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(ChatRetry, does_not_retry_forwarded_messages) {
  fail_first(1, 529);
  EXPECT_EQ(
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields).status,
      529);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(ChatRetry, retries_an_unreachable_upstream_then_reports_it) {
  ProxyFixture lost(Plan{.workers = GetParam(), .upstream = "http://127.0.0.1:1"});
  const Reply reply = post_chat(lost, chat_body());
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(Document::parse(reply.body)["error"]["code"], "upstream_unreachable");
  EXPECT_EQ(lost.receipt()["retries"], 2);
}

}  // namespace
}  // namespace ccproxy::test
