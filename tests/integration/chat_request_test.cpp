// What the upstream receives for a chat request: credential, betas, identity, and nothing else of
// the client's; the spellings of the route; the ways in which a request is refused. The golden
// cases of the dialect cover each field.
#include <gtest/gtest.h>

#include <string>

#include "http/coding.hpp"
#include "support/chat.hpp"

namespace ccproxy::test {
namespace {

class ChatRequest : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ChatRequest, testing::Values(1U, 2U));

TEST_P(ChatRequest, has_the_proxys_name_and_credential) {
  const Reply reply = post_chat(fixture, chat_body(),
                                std::string(kOpenAiFields) +
                                    "user-agent: OpenAI/JS 7.57\r\nx-stainless-lang: js\r\n"
                                    "openai-organization: org-1\r\nanthropic-beta: a, b\r\n"
                                    "anthropic-beta: b,c\r\n");
  ASSERT_EQ(reply.status, 200) << reply.raw;
  const Document seen = fixture.requests().at(0);
  EXPECT_EQ(seen["target"], "/v1/messages");
  EXPECT_EQ(field_of(seen, "x-api-key"), kServerKey);
  EXPECT_EQ(field_of(seen, "authorization"), "");
  EXPECT_TRUE(field_of(seen, "user-agent").starts_with("ccproxy/"));
  EXPECT_EQ(field_of(seen, "x-stainless-lang"), "");
  EXPECT_EQ(field_of(seen, "openai-organization"), "");
  EXPECT_EQ(field_of(seen, "anthropic-beta"), "a,b,c");
  EXPECT_EQ(field_of(seen, "anthropic-version"), "2023-06-01");
  EXPECT_EQ(field_of(seen, "accept"), "text/event-stream");
  EXPECT_EQ(field_of(seen, "accept-encoding"), "identity");
  EXPECT_EQ(field_of(seen, "content-type"), "application/json");
  const Document sent = Document::parse(body_of(seen));
  EXPECT_EQ(sent["stream"], true);
  EXPECT_EQ(sent["model"], "claude-sonnet-5");
  EXPECT_EQ(sent["max_tokens"], 128'000);
  EXPECT_EQ(sent["cache_control"], (Document{{"type", "ephemeral"}}));
}

TEST_P(ChatRequest, is_accepted_in_every_spelling_of_its_route) {
  for (const char* target :
       {"/v1/chat/completions", "/chat/completions", "/v1/v1/chat/completions",
        "/openai/v1/chat/completions", "/v1/chat/completions?api-version=2025-01-01"})
    EXPECT_EQ(
        send_request(fixture.port(), "POST", target, chat_body().dump(), kOpenAiFields).status, 200)
        << target;
}

TEST_P(ChatRequest, takes_the_model_from_an_azure_path) {
  Document body = chat_body();
  body.erase("model");
  const Reply reply =
      send_request(fixture.port(), "POST",
                   "/openai/deployments/claude-opus-5/chat/completions?api-version=2024-10-21",
                   body.dump(), "api-key: any\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("x-ccproxy-upstream-model"), "claude-opus-5");
  EXPECT_FALSE(reply.has("x-ccproxy-warning"));
}

TEST_P(ChatRequest, without_a_model_gets_the_default_with_a_warning) {
  Document body = chat_body();
  body.erase("model");
  const Reply reply = post_chat(fixture, body);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "model_defaulted");
  EXPECT_EQ(reply.field("x-ccproxy-upstream-model"), "claude-sonnet-5-5");
}

TEST_P(ChatRequest, accepts_effort_and_context_suffixes_of_the_model) {
  (void)post_chat(fixture, chat_body({{"model", "claude-opus-5:low"}}));
  EXPECT_EQ(
      post_chat(fixture, chat_body({{"model", "claude-opus-5[1m]"}})).field("x-ccproxy-ignored"),
      "model[1m]");
  const Document requests = fixture.requests();
  EXPECT_EQ(Document::parse(body_of(requests[0]))["output_config"]["effort"], "low");
  EXPECT_EQ(Document::parse(body_of(requests[0]))["model"], "claude-opus-5");
  EXPECT_EQ(Document::parse(body_of(requests[1]))["model"], "claude-opus-5");
}

TEST_P(ChatRequest, accepts_a_byte_order_mark) {
  const std::string byte_order_mark = "\xEF\xBB\xBF";
  EXPECT_EQ(send_request(fixture.port(), "POST", kChat, byte_order_mark + chat_body().dump(),
                         kOpenAiFields)
                .status,
            200);
  for (const auto& [target, member] :
       {std::pair("/v1/responses", "input"), {"/v1/completions", "prompt"}}) {
    const Document body = {{"model", "claude-opus-5"}, {member, "x"}};
    EXPECT_EQ(
        send_request(fixture.port(), "POST", target, byte_order_mark + body.dump(), kOpenAiFields)
            .status,
        200)
        << target;
  }
}

// The same history must always become the same bytes (P33), on every worker.
TEST_P(ChatRequest, becomes_the_same_bytes_every_time_p33) {
  const Document body = chat_body({{"tools", {function_tool("f"), function_tool("we.ird")}},
                                   {"messages",
                                    {{{"role", "system"}, {"content", "S"}},
                                     {{"role", "user"}, {"content", "q"}},
                                     assistant_calls({tool_call("", "we.ird", "{\"b\": 1.0}"),
                                                      tool_call("functions.f:0", "f", "")}),
                                     tool_result("", "r"),
                                     tool_result("functions.f:0", "r2")}}});
  for (int i = 0; i < 4; ++i) (void)post_chat(fixture, body);
  const Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 4U);
  for (const Document& seen : requests) EXPECT_EQ(body_of(seen), body_of(requests[0]));
}

TEST_P(ChatRequest, copies_arguments_byte_for_byte_p08) {
  const std::string arguments = R"({"z":1.0,"a":12345678901234567890,"u":"\u00e9","n":-0})";
  (void)post_chat(fixture, chat_body({{"messages",
                                       {{{"role", "user"}, {"content", "q"}},
                                        assistant_calls({tool_call("t1", "f", arguments)}),
                                        tool_result("t1", "R")}}}));
  EXPECT_NE(body_of(fixture.requests().at(0)).find("\"input\":" + arguments), std::string::npos);
}

TEST_P(ChatRequest, is_refused_for_an_ignored_field_when_it_is_strict) {
  const Document body = chat_body({{"seed", 7}});
  EXPECT_EQ(post_chat(fixture, body).field("x-ccproxy-ignored"), "seed");
  const Reply strict =
      post_chat(fixture, body, std::string(kOpenAiFields) + "x-ccproxy-strict: true\r\n");
  EXPECT_EQ(strict.status, 400);
  EXPECT_EQ(Document::parse(strict.body)["error"]["param"], "seed");
}

TEST_P(ChatRequest, names_the_place_of_an_error_and_is_not_sent_p10) {
  const Document picture = {{"type", "image_url"},
                            {"image_url", {{"url", "data:image/svg+xml;base64,PHN2Zz4="}}}};
  const Reply reply = post_chat(
      fixture, chat_body({{"messages",
                           {{{"role", "system"}, {"content", "S"}},
                            {{"role", "user"}, {"content", Document::array({picture})}}}}}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.field("content-type"), "application/json");
  EXPECT_NE(reply.field("x-request-id"), "");
  const Document error = Document::parse(reply.body)["error"];
  EXPECT_EQ(error["param"], "messages[1].content[0].image_url.url");
  EXPECT_EQ(error["type"], "invalid_request_error");
  EXPECT_EQ(error.size(), 4U) << error;
  EXPECT_EQ(fixture.requests().size(), 0U);
}

TEST_P(ChatRequest, names_the_place_where_it_is_no_json) {
  const Reply reply = send_request(fixture.port(), "POST", kChat, R"({"model":)", kOpenAiFields);
  EXPECT_EQ(reply.status, 400);
  const Document error = Document::parse(reply.body)["error"];
  EXPECT_NE(error["message"].get<std::string>().find("byte"), std::string::npos);
  EXPECT_TRUE(error["param"].is_null());
}

TEST_P(ChatRequest, is_read_in_every_supported_coding) {
  const std::string packed = http::gzip(chat_body().dump());
  EXPECT_EQ(send_request(fixture.port(), "POST", kChat, packed,
                         std::string(kOpenAiFields) + "content-encoding: gzip\r\n")
                .status,
            200);
  EXPECT_EQ(send_request(fixture.port(), "POST", kChat, "x",
                         std::string(kOpenAiFields) + "content-encoding: snappy\r\n")
                .status,
            415);
}

TEST_P(ChatRequest, has_no_stored_completions) {
  const Reply list = send_request(fixture.port(), "GET", kChat, "", kOpenAiFields);
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(Document::parse(list.body)["data"], Document::array());
  for (const char* method : {"GET", "POST", "DELETE"}) {
    const Reply one =
        send_request(fixture.port(), method, "/v1/chat/completions/chatcmpl-1", "", kOpenAiFields);
    EXPECT_EQ(one.status, 404) << method;
    EXPECT_TRUE(Document::parse(one.body)["error"]["code"].is_null());
  }
  EXPECT_EQ(send_request(fixture.port(), "PUT", kChat, "", kOpenAiFields).status, 405);
}

TEST_P(ChatRequest, to_other_openai_routes_is_a_404) {
  for (const char* target : {"/v1/embeddings", "/v1/audio/speech", "/v1/images/generations",
                             "/v1/moderations", "/v1/assistants", "/embeddings"}) {
    const Reply reply = send_request(fixture.port(), "POST", target, "{}", kOpenAiFields);
    EXPECT_EQ(reply.status, 404) << target;
    EXPECT_EQ(Document::parse(reply.body)["error"]["code"], "unknown_url") << target;
  }
  const Reply none = send_request(fixture.port(), "POST", "/v1/embeddings", "{}", kOpenAiFields);
  EXPECT_NE(none.body.find("Claude has no embeddings"), std::string::npos);
}

TEST_P(ChatRequest, is_refused_when_the_client_must_bring_the_credential) {
  ProxyFixture passing(Plan{.workers = GetParam(), .config = R"({"credentials":"client"})"});
  const Reply reply = post_chat(passing, chat_body());
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.field("x-should-retry"), "false");
  EXPECT_EQ(Document::parse(reply.body)["error"]["code"], "upstream_auth");
  EXPECT_EQ(passing.requests().size(), 0U);
}

TEST_P(ChatRequest, is_told_how_to_sign_in) {
  ProxyFixture nobody(Plan{.workers = GetParam(), .environment = {}});
  const Reply reply = post_chat(nobody, chat_body());
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.field("x-should-retry"), "false");
  const Document error = Document::parse(reply.body)["error"];
  EXPECT_EQ(error["code"], "upstream_auth");
  EXPECT_NE(error["message"].get<std::string>().find("ccproxy login"), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::test
