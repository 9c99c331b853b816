// The words of final errors. Agents send a request again when a message says that a connection was
// lost or that something timed out, or when it names a temporary status. A final error must have no
// such words. (tests/lint/error_words checks the texts in the sources.)
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

std::string message_of(const Reply& reply) {
  const Document body = Document::parse(reply.body, nullptr, false);
  if (!body.is_object() || !body.contains("error")) return "";
  return body["error"].value("message", "");
}

void expect_final(const Reply& reply, int status) {
  static const std::regex kRetryWords(
      "connection lost|timed out|server error|overloaded|(http|status) *[0-9]{3}",
      std::regex::icase);
  EXPECT_EQ(reply.status, status) << reply.raw;
  const std::string message = message_of(reply);
  EXPECT_FALSE(message.empty()) << reply.raw;
  EXPECT_FALSE(std::regex_search(message, kRetryWords)) << message;
  EXPECT_EQ(message.find(std::to_string(status)), std::string::npos) << message;
}

struct Row {
  const char* name;
  int status;
  const char *method, *target;
  std::string body{};
  std::string fields{kOpenAiFields};
};

TEST(ErrorWords, of_final_errors_cause_no_retry) {
  ProxyFixture fixture(Plan{.config = R"({"limits":{"bodyBytes":100000,"headBytes":8192}})"});
  const std::string large = "[\"" + std::string(200'000, 'x') + "\"]";
  const std::vector<Row> rows = {
      {"no JSON", 400, "POST", kChat, "{"},
      {"no messages", 400, "POST", kChat, "{}"},
      {"a role that is none", 400, "POST", kChat, R"({"messages":[{"role":"x","content":"a"}]})"},
      {"a type that is wrong", 400, "POST", kChat, chat_body({{"max_tokens", "x"}}).dump()},
      {"what is not supported", 400, "POST", kChat, chat_body({{"n", 2}}).dump()},
      {"strict", 400, "POST", kChat, chat_body({{"seed", 7}}).dump(),
       std::string(kOpenAiFields) + "x-ccproxy-strict: true\r\n"},
      {"no prompt", 400, "POST", "/v1/completions", "{}"},
      {"an input that is none", 400, "POST", kResponses, response_body({{"input", 7}}).dump()},
      {"a response that is not there", 400, "POST", kResponses,
       response_body({{"previous_response_id", "resp_x"}}).dump()},
      {"nothing to compact", 400, "POST", "/v1/responses/compact", "{}"},
      {"nothing to count", 400, "POST", "/v1/responses/input_tokens", "{"},
      {"a stored response that is not there", 404, "GET", "/v1/responses/resp_x"},
      {"a completion that is not stored", 404, "GET", "/v1/chat/completions/c"},
      {"conversations", 400, "POST", "/v1/conversations", "{}"},
      {"a route that is not there", 404, "GET", "/nothing"},
      {"another route that is not there", 404, "POST", "/v1/embeddings", "{}"},
      {"a method", 405, "DELETE", kChat},
      {"a method of the other dialect", 405, "GET", "/v1/messages", "", kAnthropicFields},
      {"a model that is not there", 404, "GET", "/v1/models/none"},
      {"a body that is too large", 413, "POST", kChat, large},
      {"the same in the other dialect", 413, "POST", "/v1/messages", large, kAnthropicFields},
      {"a coding that nobody reads", 415, "POST", kChat, "{}",
       std::string(kOpenAiFields) + "content-encoding: compress\r\n"},
      {"a head that is too large", 431, "GET", "/health", "",
       "x: " + std::string(10'000, 'x') + "\r\n"},
      {"an upgrade", 426, "GET", kResponses, "", "connection: upgrade\r\nupgrade: websocket\r\n"},
      {"a page from elsewhere", 403, "POST", kChat, "{}",
       std::string(kOpenAiFields) + "origin: https://evil.example\r\n"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    expect_final(send_request(fixture.port(), row.method, row.target, row.body, row.fields),
                 row.status);
  }
}

TEST(ErrorWords, of_errors_about_keys_and_credentials_are_final) {
  const std::string chat = chat_body().dump(), response = response_body().dump();
  const std::vector<Row> rows = {{"", 401, "POST", kChat, chat},
                                 {"", 401, "POST", kResponses, response},
                                 {"", 401, "POST", "/v1/messages", kWholeBody, kAnthropicFields}};
  ProxyFixture locked(Plan{.config = R"({"apiKeys":[{"name":"a","key":"ccp-of-somebody-else"}]})"});
  ProxyFixture signed_out(Plan{.environment = {}});
  for (const Row& row : rows)
    for (const ProxyFixture* fixture : {&locked, &signed_out})
      expect_final(send_request(fixture->port(), row.method, row.target, row.body, row.fields),
                   row.status);
}

// The upstream's own message is kept; when it has none, the proxy's message is used.
TEST(ErrorWords, of_refusals_without_a_message_are_final) {
  ProxyFixture fixture(Plan{.config = R"({"upstream":{"maxRetries":0}})"});
  for (const int status : {400, 401, 403, 404, 413, 422}) {
    SCOPED_TRACE(status);
    fixture.set_reply({{"status", status}, {"body", ""}});
    expect_final(post_chat(fixture, chat_body()), status);
    expect_final(post_response(fixture, response_body()), status);
  }
}

}  // namespace
}  // namespace ccproxy::test
