// The routes of the Responses API: the paths of Codex and of others, the refusal of WebSockets,
// methods, codings and sizes of bodies, keys.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

constexpr const char* kUpgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "OpenAI-Beta: responses_websockets=2026-02-06\r\n";

class ResponsesRoutes : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam(), .config = R"({"limits":{"bodyBytes":100000}})"}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ResponsesRoutes, testing::Values(1U, 2U));

// Case A10: only this status makes Codex fall back at once.
TEST_P(ResponsesRoutes, refuse_a_websocket_at_once_on_every_path_a10) {
  for (const char* path : {"/v1/responses", "/responses", "/backend-api/codex/responses",
                           "/v1/responses?client_version=1"}) {
    SCOPED_TRACE(path);
    RawClient client(fixture.port());
    client.send(request("GET", path, {}, kUpgrade));
    const Reply reply = client.read_reply(false, std::chrono::seconds(2));
    EXPECT_EQ(reply.status, 426) << reply.raw;
    EXPECT_EQ(reply.field("connection"), "close");
    EXPECT_TRUE(error_in(reply).contains("message"));
    EXPECT_TRUE(client.wait_closed(std::chrono::milliseconds(1000)));
  }
}

TEST_P(ResponsesRoutes, name_the_allowed_methods_a10) {
  for (const char* path : {"/v1/responses", "/responses", "/backend-api/codex/responses"})
    for (const char* method : {"GET", "PUT", "DELETE", "PATCH"}) {
      SCOPED_TRACE(std::string(method) + " " + path);
      const Reply reply = send_request(fixture.port(), method, path);
      EXPECT_EQ(reply.status, 405);
      EXPECT_EQ(reply.field("allow"), "POST");
      EXPECT_EQ(error_in(reply)["type"], "invalid_request_error");
    }
  for (const char* path : {"/v1/responses/compact", "/v1/responses/input_tokens"})
    EXPECT_EQ(send_request(fixture.port(), "GET", path).field("allow"), "POST") << path;
  for (const char* path : {"/v1/responses/resp_x/input_items"})
    EXPECT_EQ(send_request(fixture.port(), "POST", path, "{}").status, 405) << path;
  EXPECT_EQ(send_request(fixture.port(), "GET", "/v1/responses/resp_x/cancel").field("allow"),
            "POST");
  EXPECT_EQ(send_request(fixture.port(), "GET", "/v1/responses/resp_x/nothing").status, 404);
}

TEST_P(ResponsesRoutes, serve_the_same_on_every_path) {
  for (const char* path :
       {"/v1/responses", "/responses", "/openai/v1/responses", "/backend-api/codex/responses"}) {
    SCOPED_TRACE(path);
    const Reply reply = send_request(fixture.port(), "POST", path,
                                     response_body({{"stream", true}}).dump(), kOpenAiFields);
    EXPECT_EQ(reply.status, 200) << reply.body;
    const ResponseEvents read = read_events(reply.body);
    EXPECT_EQ(read.fault, "");
    EXPECT_EQ(send_request(fixture.port(), "GET", "/responses/" + read.id()).status, 200);
  }
}

TEST_P(ResponsesRoutes, refuse_large_bodies_and_unknown_codings) {
  const Document large = {{"input", std::string(200'000, 'x')}};
  EXPECT_EQ(error_in(post_response(fixture, response_body(large)))["status"], 413);
  const std::string fields = std::string(kOpenAiFields) + "content-encoding: rot13\r\n";
  EXPECT_EQ(error_in(post_response(fixture, response_body(), fields))["status"], 415);
  EXPECT_EQ(error_in(send_request(fixture.port(), "POST", kResponses, "", kOpenAiFields))["status"],
            400);
  EXPECT_EQ(
      error_in(send_request(fixture.port(), "POST", kResponses, "[]", kOpenAiFields))["status"],
      400);
  EXPECT_TRUE(sent_bodies(fixture).empty());
}

TEST_P(ResponsesRoutes, refuse_a_wrong_key_in_openais_dialect) {
  ProxyFixture keyed(Plan{.workers = GetParam(),
                          .config = R"({"apiKeys":[{"name":"a","key":"key-of-a-00000000"}]})"});
  for (const char* target :
       {"/v1/responses", "/v1/responses/resp_x", "/backend-api/codex/responses"}) {
    const bool posts = std::string(target).find("resp_x") == std::string::npos;
    const Reply reply = send_request(keyed.port(), posts ? "POST" : "GET", target,
                                     posts ? response_body().dump() : "", kOpenAiFields);
    EXPECT_EQ(reply.status, 401) << target;
    EXPECT_EQ(error_in(reply)["code"], "invalid_api_key") << target;
  }
}

// Case A9: Codex and OpenAI's clients get different lists.
TEST_P(ResponsesRoutes, give_codex_its_own_model_list_a09) {
  for (const char* path : {"/v1/models?client_version=0.153.4", "/models?client_version=0.153.4",
                           "/backend-api/codex/models?client_version=0.153.4"}) {
    const Document list =
        json_of(send_request(fixture.port(), "GET", path, {}, kOpenAiFields).body);
    ASSERT_TRUE(list.contains("models")) << path << list;
    const Document model = list["models"].at(0);
    for (const char* name : {"slug", "display_name", "context_window", "default_reasoning_level",
                             "supported_reasoning_levels", "shell_type", "visibility"})
      EXPECT_TRUE(model.contains(name)) << name;
    EXPECT_TRUE(model.value("apply_patch_tool_type", Document()).is_null() ||
                model["apply_patch_tool_type"] == "freeform");
  }
}

// A strict client gets an error for what would have been ignored (rule 0.0).
TEST_P(ResponsesRoutes, refuse_strict_requests_with_ignored_fields) {
  struct Row {
    const char *more, *param, *code;
  };
  const std::string strict = std::string(kOpenAiFields) + "x-ccproxy-strict: true\r\n";
  for (const Row& row :
       {Row{R"({"truncation":"auto"})", "truncation", "unsupported_parameter"},
        Row{R"({"client_metadata":{"a":"b"}})", "client_metadata", "unsupported_parameter"},
        Row{R"({"include":["brand.new"]})", "include", nullptr},
        Row{R"({"tools":[{"type":"file_search","vector_store_ids":["v"]}]})", "tools[0].type",
            "unsupported_tool"},
        Row{R"({"tools":[{"type":"brand_new"}]})", "tools[0].type", nullptr}}) {
    SCOPED_TRACE(row.more);
    const Document body = response_body(json_of(row.more));
    const Reply lax = post_response(fixture, body);
    EXPECT_EQ(lax.status, 200) << lax.body;
    EXPECT_FALSE(lax.field("x-ccproxy-ignored").empty());
    const Document error = error_in(post_response(fixture, body, strict));
    EXPECT_EQ(error["status"], 400);
    EXPECT_EQ(error["param"], row.param) << error;
    if (row.code != nullptr) {
      EXPECT_EQ(error["code"], row.code) << error;
    }
  }
  EXPECT_EQ(post_response(fixture, response_body(), strict).status, 200);
}

}  // namespace
}  // namespace ccproxy::test
