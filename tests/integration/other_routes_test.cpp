// The routes beside /v1/messages: count_tokens, batches, files, skills, the probes of clients, the
// spellings of a path, and what is never forwarded.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/proxy_fixture.hpp"

namespace ccproxy::test {
namespace {

constexpr const char* kVersion = "anthropic-version: 2023-06-01\r\n";

class OtherRoutes : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam()}};

  Reply send(std::string_view method, std::string_view target, std::string_view body = {}) {
    return send_request(fixture.port(), method, target, body, kAnthropicFields);
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, OtherRoutes, testing::Values(1U, 2U));

TEST_P(OtherRoutes, forward_count_tokens) {
  const Reply reply = send("POST", "/v1/messages/count_tokens", kWholeBody);
  EXPECT_EQ(reply.status, 200);
  EXPECT_GT(Document::parse(reply.body)["input_tokens"], 0);
  EXPECT_EQ(body_of(fixture.requests().at(0)), kWholeBody);
  EXPECT_EQ(fixture.receipt()["route"], "/v1/messages/count_tokens");
}

TEST_P(OtherRoutes, forward_batches) {
  const std::string batch =
      R"({"requests":[{"custom_id":"a","params":{"model":"claude-sonnet-5","max_tokens":5, "messages":[{"role":"user","content":"Hi"}]}},{"custom_id":"b","params":{"model":"claude-sonnet-5","max_tokens":5,"messages":[{"role":"user","content":"Ho"}]}}]})";
  const Reply created = send("POST", "/v1/messages/batches", batch);
  ASSERT_EQ(created.status, 200) << created.body;
  EXPECT_EQ(body_of(fixture.requests().at(0)), batch);
  const std::string id = Document::parse(created.body)["id"];

  EXPECT_EQ(Document::parse(send("GET", "/v1/messages/batches/" + id).body)["processing_status"],
            "ended");
  const Reply listed = send("GET", "/v1/messages/batches?limit=5&x=%20");
  EXPECT_NE(listed.body.find(id), std::string::npos);
  EXPECT_EQ(fixture.requests().back()["target"], "/v1/messages/batches?limit=5&x=%20");

  const Reply results = send("GET", "/v1/messages/batches/" + id + "/results");
  EXPECT_EQ(results.field("content-type"), "application/x-jsonl");
  EXPECT_TRUE(results.complete);
  EXPECT_EQ(std::count(results.body.begin(), results.body.end(), '\n'), 2);
  EXPECT_NE(results.body.find("\"custom_id\":\"b\",\"result\":{\"type\":\"succeeded\""),
            std::string::npos)
      << results.body;

  EXPECT_EQ(send("POST", "/v1/messages/batches/" + id + "/cancel").status, 200);
  EXPECT_EQ(send("DELETE", "/v1/messages/batches/" + id).status, 200);
  EXPECT_EQ(send("GET", "/v1/messages/batches/" + id).status, 404);
  EXPECT_EQ(fixture.receipts(7).back()["route"], "/v1/messages/batches");
}

// Returns every byte value, and texts that look like CRLF and boundaries.
std::string odd_content() {
  std::string content;
  for (int round = 0; round < 400; ++round)
    for (int byte = 0; byte < 256; ++byte) content += static_cast<char>(byte);
  return content + "\r\n--other\r\n\r\n--boundary";
}

TEST_P(OtherRoutes, forward_files_unchanged) {
  const std::string content = odd_content();
  const std::string form =
      "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser\r\n"
      "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.bin\"\r\n"
      "Content-Type: application/x-odd\r\n\r\n" +
      content + "\r\n--XX--\r\n";
  const std::string fields =
      std::string(kVersion) +
      "anthropic-beta: files-api-2025-04-14\r\nContent-Type: multipart/form-data; boundary=XX\r\n";
  const Reply sized = send_request(fixture.port(), "POST", "/v1/files", form, fields);
  ASSERT_EQ(sized.status, 200) << sized.body;
  Document seen = fixture.requests().at(0);
  EXPECT_TRUE(body_of(seen) == form);
  EXPECT_EQ(field_of(seen, "content-length"), std::to_string(form.size()));
  EXPECT_EQ(field_of(seen, "content-type"), "multipart/form-data; boundary=XX");
  EXPECT_EQ(field_of(seen, "anthropic-beta"), "files-api-2025-04-14");

  const std::string id = Document::parse(sized.body)["id"];
  const Reply down = send("GET", "/v1/files/" + id + "/content");
  EXPECT_EQ(down.status, 200);
  EXPECT_TRUE(down.complete);
  EXPECT_TRUE(down.body == content);
  EXPECT_EQ(down.field("content-disposition"), "attachment; filename=\"a b.bin\"");
  EXPECT_EQ(down.field("content-type"), "application/x-odd");
  EXPECT_EQ(send("GET", "/v1/files/" + id).status, 200);
  EXPECT_EQ(send("GET", "/v1/files").status, 200);
  EXPECT_EQ(send("DELETE", "/v1/files/" + id).status, 200);
}

TEST_P(OtherRoutes, forward_an_upload_without_a_length_in_chunks) {
  RawClient client(fixture.port());
  client.send(std::string("POST /v1/files HTTP/1.1\r\nHost: localhost\r\n") + kVersion +
              "Content-Type: multipart/form-data; boundary=XX\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
  const std::string head =
      "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
  client.send("43\r\n" + head + "\r\n");
  ASSERT_EQ(head.size(), 0x43U);
  // The mock has received the head while the body is still being sent: the proxy does not buffer
  // it.
  ASSERT_TRUE(wait_until([&] { return fixture.requests().size() == 1; }));
  EXPECT_EQ(field_of(fixture.requests().at(0), "transfer-encoding"), "chunked");
  client.send("5\r\nhello\r\n");
  client.send("a\r\n\r\n--XX--\r\n\r\n0\r\n\r\n");
  const Reply reply = client.read_reply();
  ASSERT_EQ(reply.status, 200) << reply.raw;
  EXPECT_EQ(Document::parse(reply.body)["size_bytes"], 5);
}

TEST_P(OtherRoutes, large_upload_takes_no_memory) {
  const std::size_t size = std::size_t{48} << 20;  // more than a JSON route accepts
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  RawClient client(fixture.port());
  const std::string part(std::size_t{1} << 20, 'x');
  client.send(std::string("POST /v1/files HTTP/1.1\r\nHost: localhost\r\n") + kVersion +
              "Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: " +
              std::to_string(size) + "\r\n\r\n");
  std::size_t peak = before;
  for (std::size_t sent = 0; sent < size; sent += part.size()) {
    ASSERT_TRUE(client.send(part));
    peak = std::max(peak, resident_bytes(fixture.proxy().pid()));
  }
  EXPECT_EQ(client.read_reply().status, 400) << "the mock finds no form in it";
  EXPECT_EQ(fixture.requests().at(0)["body_bytes"], size);
  EXPECT_LT(peak, before + allowed_growth(8));
}

TEST_P(OtherRoutes, forward_skills) {
  EXPECT_EQ(send("GET", "/v1/skills?limit=1").status, 200);
  EXPECT_EQ(fixture.requests().at(0)["target"], "/v1/skills?limit=1");
  EXPECT_EQ(send("POST", "/v1/skills", "{}").status, 200);
  EXPECT_EQ(send("DELETE", "/v1/skills/skill_1").status, 404);
  EXPECT_EQ(fixture.requests().size(), 3U);
}

TEST_P(OtherRoutes, forward_head_requests) {
  fixture.set_reply({{"match", {{"method", "*"}, {"path", "/v1/files/*"}}}, {"body", "12345"}});
  RawClient client(fixture.port());
  for (const char* method : {"HEAD", "GET", "HEAD"}) {
    client.send(request(method, "/v1/files/f/content", {}, kVersion));
    const Reply reply = client.read_reply(std::string_view(method) == "HEAD");
    EXPECT_EQ(reply.status, 200) << "the connection must still be in step";
    EXPECT_EQ(reply.field("content-length"), "5");
    EXPECT_EQ(fixture.requests().back()["method"], method);
  }
}

TEST_P(OtherRoutes, probes_are_not_forwarded) {
  for (const char* path : {"/", "/api/hello"}) {
    RawClient client(fixture.port());
    client.send(request("HEAD", path));
    const Reply head = client.read_reply(true);
    EXPECT_EQ(head.status, 200) << path;
    client.send(request("GET", path));
    const Reply get = client.read_reply();
    EXPECT_EQ(get.status, 200) << path;
    EXPECT_TRUE(get.complete);
  }
  EXPECT_EQ(fixture.requests().size(), 0U);
}

TEST_P(OtherRoutes, unknown_paths_are_not_forwarded) {
  for (const char* target :
       {"/api/other", "/api/oauth/usage", "/api", "/apis/hello", "/api/event_logging/batch",
        "/unknown", "/v2/messages", "/v1", "/v1messages", "/mock/requests", "/v1/unknown"}) {
    const bool versioned = std::string_view(target) != "/v1/unknown";
    const Reply reply = send_request(fixture.port(), "GET", target, {}, versioned ? kVersion : "");
    EXPECT_EQ(reply.status, 404) << target;
    Document body = Document::parse(reply.body);
    if (!versioned) continue;
    EXPECT_EQ(body["type"], "error") << target;
    EXPECT_EQ(body["error"]["type"], "not_found_error") << target;
    EXPECT_EQ(body["request_id"], reply.field("request-id")) << target;
  }
  EXPECT_EQ(fixture.requests().size(), 0U);
}

TEST_P(OtherRoutes, forward_unknown_endpoints_for_anthropic_clients) {
  fixture.set_reply(
      {{"match", {{"method", "*"}, {"path", "/v1/tomorrow/*"}}}, {"body", "{\"new\":true}"}});
  const Reply posted = send("POST", "/v1/tomorrow/things?x=1", R"({ "n":1.0})");
  EXPECT_EQ(posted.status, 200);
  EXPECT_EQ(posted.body, "{\"new\":true}");
  Document seen = fixture.requests().at(0);
  EXPECT_EQ(seen["target"], "/v1/tomorrow/things?x=1");
  EXPECT_EQ(body_of(seen), R"({ "n":1.0})");
  for (const char* method : {"GET", "PUT", "PATCH", "DELETE"}) {
    EXPECT_EQ(send(method, "/v1/tomorrow/things").status, 200) << method;
    EXPECT_EQ(fixture.requests().back()["method"], method);
  }
}

TEST_P(OtherRoutes, are_found_without_v1_and_with_it_twice) {
  const std::vector<std::pair<std::string, std::string>> paths = {
      {"/messages", "/v1/messages"},
      {"/v1/v1/messages?beta=true", "/v1/messages?beta=true"},
      {"/messages/count_tokens", "/v1/messages/count_tokens"},
      {"/v1/v1/messages/count_tokens", "/v1/messages/count_tokens"},
  };
  for (const auto& [requested, sent] : paths) {
    EXPECT_EQ(send("POST", requested, kWholeBody).status, 200) << requested;
    EXPECT_EQ(fixture.requests().back()["target"], sent);
  }
  for (const char* path : {"/files", "/messages/batches", "/skills"}) {
    EXPECT_EQ(send("GET", path).status, 200) << path;
    EXPECT_EQ(fixture.requests().back()["target"], std::string("/v1") + path);
    EXPECT_EQ(send("GET", std::string("/v1/v1") + path).status, 200) << path;
    EXPECT_EQ(fixture.requests().back()["target"], std::string("/v1") + path);
  }
  EXPECT_EQ(send("GET", "/models").status, 200);
  EXPECT_EQ(send("GET", "/v1/v1/models").status, 200);
}

TEST_P(OtherRoutes, refuse_path_traversal) {
  for (const char* target :
       {"/v1/../api/oauth", "/v1/messages/..", "/v1/./messages", "/v1/files/%2e%2e/secrets",
        "/v1/files/%2E./x", "/v1/files/.%2e/x", "/v1/files//../x", "//v1/..//messages",
        "/v1/files/a%2fb", "/v1/files/a%5cb", "/v1/files/a\\b", "/messages/../../x"}) {
    const Reply reply = send("GET", target);
    EXPECT_EQ(reply.status, 400) << target;
    EXPECT_EQ(Document::parse(reply.body)["error"]["type"], "invalid_request_error") << target;
  }
  EXPECT_EQ(fixture.requests().size(), 0U);
}

TEST_P(OtherRoutes, name_the_allowed_methods) {
  const Reply reply = send("GET", "/v1/messages");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.field("allow"), "POST");
  EXPECT_EQ(Document::parse(reply.body)["error"]["type"], "invalid_request_error");
  EXPECT_EQ(send("PUT", "/v1/files", "x").status, 405);
  EXPECT_EQ(fixture.requests().size(), 0U);
}

}  // namespace
}  // namespace ccproxy::test
