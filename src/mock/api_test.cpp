// Tests routes, scripts and recordings of the simulated API over real loopback connections.
#include "mock/api.hpp"

#include <gtest/gtest.h>

#include <string>

#include "json/document.hpp"
#include "mock/loopback_fixture.hpp"

namespace ccproxy::mock {
namespace {

class MockApi : public LoopbackFixture {};

TEST_F(MockApi, replies_whole_and_streamed) {
  const ReceivedReply streamed = send({});
  EXPECT_EQ(streamed.status, 200);
  EXPECT_TRUE(streamed.body.starts_with("event: message_start\n"));
  EXPECT_TRUE(streamed.body.ends_with("data: {\"type\":\"message_stop\"}\n\n"));
  const ReceivedReply whole = send({"POST", "/v1/messages", kWholeBody});
  const auto message = json::parse_document(whole.body);
  ASSERT_TRUE(message);
  EXPECT_EQ((*message)["stop_reason"], "end_turn");
  EXPECT_NE(streamed.request_id, whole.request_id);
}

TEST_F(MockApi, requires_what_the_real_api_requires) {
  const struct {
    const char* name;
    std::string request;
    int status;
    const char* type;
  } kRows[] = {
      {"a credential", "POST /v1/messages HTTP/1.1\r\nHost: x\r\n", 401, "authentication_error"},
      {"a version", "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\n", 400,
       "invalid_request_error"},
      {"the beta flag of an OAuth token",
       "POST /v1/messages HTTP/1.1\r\nHost: x\r\nauthorization: Bearer sk-ant-oat01-x\r\n"
       "anthropic-version: 1\r\n",
       401, "OAuth authentication is currently not supported."},
      {"an OAuth token as a token",
       "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: sk-ant-oat01-x\r\n"
       "anthropic-version: 1\r\n",
       401, "invalid x-api-key"},
      {"a body",
       "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\nanthropic-version: 1\r\n", 400,
       "not valid JSON"},
      {"a known path",
       "GET /v1/nothing HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\nanthropic-version: 1\r\n", 404,
       "not_found_error"},
      {"the right method",
       "GET /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: k\r\nanthropic-version: 1\r\n", 405,
       "Method Not Allowed"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    const ReceivedReply reply = send_raw(row.request + "connection: close\r\n\r\n");
    EXPECT_TRUE(reply.head.starts_with("HTTP/1.1 " + std::to_string(row.status))) << reply.head;
    EXPECT_TRUE(contains(reply.body, row.type)) << reply.body;
    EXPECT_TRUE(contains(reply.body, "request_id"));
  }
  const ReceivedReply good = send(
      {"POST",
       "/v1/messages",
       kBody,
       {{"authorization", "Bearer sk-ant-oat01-x"}, {"anthropic-beta", "a, oauth-2025-04-20"}}});
  EXPECT_EQ(good.status, 200);
}

TEST_F(MockApi, follows_a_script_until_it_is_used_up) {
  set_script(R"({"replies":[
      {"match":{"model":"claude-sonnet-*","stream":true,"header":{"x-app":"c*"}},"times":2,
       "raw":": hi\r\ndata: x\r\n\r\n"},
      {"match":{"body_contains":"Hi"},"times":1,"status":529,"headers":{"retry-after":"7"},
       "error":"overloaded_error"},
      {"text":"Last."}]})");
  const TestRequest app{"POST", "/v1/messages", kBody, {{"x-app", "cli"}}};
  EXPECT_EQ(send(app).body, ": hi\r\ndata: x\r\n\r\n");
  EXPECT_EQ(send(app).body, ": hi\r\ndata: x\r\n\r\n");
  const ReceivedReply error = send(app);
  EXPECT_EQ(error.status, 529);
  EXPECT_TRUE(contains(error.body, R"("type":"overloaded_error","message":"Overloaded")"));
  EXPECT_TRUE(contains(send(app).body, "Last."));
  EXPECT_TRUE(contains(send({"POST", "/v1/messages", kWholeBody}).body, R"("text":"Last.")"));
  EXPECT_EQ(send({"GET", "/v1/models", ""}).status,
            200);  // a reply without `match` is for POST /v1/messages alone
}

TEST_F(MockApi, refuses_an_invalid_script_and_names_the_place) {
  const ReceivedReply reply = send({"PUT", "/mock/script", R"({"replies":[{"tekst":"a"}]})"});
  EXPECT_EQ(reply.status, 400);
  EXPECT_TRUE(contains(reply.body, "replies[0] has an unknown key")) << reply.body;
}

TEST_F(MockApi, records_requests_unchanged) {
  const std::string body = "{ \"model\":\"m\",\t\"max_tokens\":1.0 }";
  (void)send_raw(
      "POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\nB: 1\r\nb: 2\r\n"
      "connection: close\r\ncontent-length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  (void)send({"POST", "/v1/messages", "\xff\x01"});
  const Document records = get("/mock/requests");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0]["target"], "/v1/messages?beta=true");
  EXPECT_EQ(records[0]["body"], body);
  EXPECT_EQ(records[0]["headers"][1], (Document{"X-Api-Key", "k"}));
  EXPECT_EQ(records[0]["headers"][2], (Document{"B", "1"}));
  EXPECT_EQ(records[0]["headers"][3], (Document{"b", "2"}));
  EXPECT_EQ(records[0]["aborted"], false);
  EXPECT_EQ(records[1]["body_base64"], "/wE=");
  EXPECT_NE(records[0]["connection"], records[1]["connection"]);
  EXPECT_EQ(send({"DELETE", "/mock/requests", ""}).status, 200);
  EXPECT_EQ(get("/mock/requests").size(), 0U);
}

TEST_F(MockApi, records_when_a_client_left) {
  (void)send_raw(raw_request("x-mock-fault: stall\r\n"), milliseconds(100));
  (void)send_raw(raw_request("x-mock-fault: stall-mid=3\r\n"), milliseconds(100));
  const Document records = get("/mock/requests");
  ASSERT_EQ(records.size(), 2U);
  for (const Document& record : records) {
    EXPECT_EQ(record["aborted"], true);
    EXPECT_GE(record["left_ms"].get<int>(), 90);
    EXPECT_LT(record["left_ms"].get<int>(), 1000);
  }
  const Document status = get("/mock/status");
  EXPECT_EQ(status["open_connections"], 0);
  EXPECT_EQ(status["connections_seen"], 2);
  EXPECT_EQ(status["requests_in_flight"], 0);
}

TEST_F(MockApi, returns_files_unchanged) {
  const std::string content("\0\r\n--x\xff middle", 15);
  const std::string body =
      "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nu\r\n--x\r\n"
      "Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n"
      "Content-Type: image/png\r\n\r\n" +
      content.substr(0, 3) + content.substr(6) + "\r\n--x--\r\n";
  const ReceivedReply created =
      send({"POST", "/v1/files", body, {{"content-type", "multipart/form-data; boundary=x"}}});
  const auto facts = json::parse_document(created.body);
  ASSERT_TRUE(facts) << created.body;
  EXPECT_EQ((*facts)["filename"], "a.bin");
  EXPECT_EQ((*facts)["mime_type"], "image/png");
  const std::string id = (*facts)["id"].get<std::string>();
  EXPECT_EQ(send({"GET", "/v1/files/" + id + "/content", ""}).body,
            content.substr(0, 3) + content.substr(6));
  EXPECT_EQ(get("/v1/files")["data"].size(), 1U);
  EXPECT_EQ(send({"DELETE", "/v1/files/" + id, ""}).status, 200);
  EXPECT_EQ(send({"GET", "/v1/files/" + id, ""}).status, 404);
}

TEST_F(MockApi, ends_a_batch_with_results) {
  const std::string requests =
      R"({"requests":[{"custom_id":"a","params":{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}},
                     {"custom_id":"b","params":{"model":"m"}}]})";
  const auto created = json::parse_document(send({"POST", "/v1/messages/batches", requests}).body);
  ASSERT_TRUE(created);
  const std::string at = "/v1/messages/batches/" + (*created)["id"].get<std::string>();
  EXPECT_EQ((*created)["processing_status"], "in_progress");
  EXPECT_EQ(send({"GET", at + "/results", ""}).status, 404);
  EXPECT_EQ(get(at)["processing_status"], "ended");
  const std::string lines = send({"GET", at + "/results", ""}).body;
  EXPECT_TRUE(
      contains(lines, R"({"custom_id":"a","result":{"type":"succeeded","message":{"model")"));
  EXPECT_TRUE(contains(lines, R"({"custom_id":"b","result":{"type":"errored")"));
  EXPECT_EQ(send({"DELETE", at, ""}).status, 200);
  EXPECT_EQ(send({"GET", at, ""}).status, 404);
}

TEST_F(MockApi, pages_the_models) {
  const Document first = get("/v1/models?limit=3");
  EXPECT_EQ(first["data"].size(), 3U);
  EXPECT_EQ(first["has_more"], true);
  const Document next =
      get("/v1/models?limit=1000&after_id=" + first["last_id"].get<std::string>());
  EXPECT_EQ(next["has_more"], false);
  EXPECT_EQ(first["data"].size() + next["data"].size(), get("/v1/models")["data"].size());
  const Document back = get("/v1/models?limit=2&before_id=" + first["last_id"].get<std::string>());
  EXPECT_EQ(back["data"][0]["id"], first["data"][0]["id"]);
  EXPECT_EQ(get("/v1/models/claude-opus-4-5")["id"], "claude-opus-4-5-20251101");
  EXPECT_EQ(send({"GET", "/v1/models/nothing", ""}).status, 404);
}

// Clients read these members without checking that they are present.
TEST_F(MockApi, lists_models_with_every_member) {
  const Document list = get("/v1/models?limit=1000");
  for (Document model : list["data"]) {
    SCOPED_TRACE(model["id"]);
    EXPECT_EQ(model["id"].get<std::string>().find("sonnet-4-5"), std::string::npos) << "retired";
    for (const char* name : {"lifecycle", "deprecated_at", "retires_at", "line", "created_at"})
      EXPECT_TRUE(model.contains(name)) << name;
    for (const char* name :
         {"batch", "citations", "code_execution", "context_management", "effort", "image_input",
          "pdf_input", "server_tools", "structured_outputs", "thinking"})
      EXPECT_TRUE(model["capabilities"][name]["supported"].is_boolean()) << name;
    for (const char* name : {"adaptive", "between_tools", "disabled", "enabled"})
      EXPECT_TRUE(model["capabilities"]["thinking"]["types"][name]["supported"].is_boolean())
          << name;
    for (const char* name : {"low", "medium", "high", "xhigh", "max"})
      EXPECT_TRUE(model["capabilities"]["effort"][name]["supported"].is_boolean()) << name;
  }
}

}  // namespace
}  // namespace ccproxy::mock
