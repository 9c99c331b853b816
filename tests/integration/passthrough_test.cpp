// POST /v1/messages from client to upstream and back: bytes of bodies, fields, statuses. The test
// reads requests from the mock's recordings, and compares replies with what the mock was told to
// send.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "http/coding.hpp"
#include "support/proxy_fixture.hpp"

namespace ccproxy::test {
namespace {

// Returns chunks of `size` bytes, which must be less than ten, without the last chunk.
std::string in_chunks(std::string_view body, std::size_t size) {
  std::string chunks;
  for (; !body.empty(); body.remove_prefix(std::min(size, body.size()))) {
    const std::string_view piece = body.substr(0, size);
    chunks.append(std::to_string(piece.size())).append(";x=1\r\n").append(piece).append("\r\n");
  }
  return chunks;
}

class PassThrough : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam()}};

  Reply post(std::string_view body, std::string_view fields = kAnthropicFields,
             std::string_view target = "/v1/messages") {
    return send_request(fixture.port(), "POST", target, body, fields);
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, PassThrough, testing::Values(1U, 2U));

TEST_P(PassThrough, forwards_bodies_unchanged) {
  const std::vector<std::string> bodies = {
      kWholeBody,
      "{ \"model\" :\t\"claude-sonnet-5\" ,\r\n\n \"max_tokens\":100,\"temperature\":1.0,"
      "\"top_p\":0.90 , \"top_k\":1e2,\"messages\":[ {\"role\" : \"user\",\"content\":\"Hi\"} ]  "
      "}\n ",
      R"({"max_tokens":1,"m\u006fdel":"claude-\u0073onnet-5","messages":[{"role":"user","content":"\u00e9\ud83d\ude00\/é😀 \u2028"}]})",
      R"({"model":"claude-sonnet-5","new_field":{"a":[1.0,-0.0,1E+400,123456789012345678901234567890]},"max_tokens":1,"messages":[],"messages":[{"role":"user","content":"twice"}],"max_tokens":2})",
      R"({"model":"claude-sonnet-5","model":"claude-sonnet-5","stream":false,"stream":false,"max_tokens":1,"messages":[{"role":"user","content":"\ud800 alone"}]})",
      R"({"model":"claude-sonnet-5","metadata":{"user_id":"{\"device_id\":\"d\",\"session_id\":\"s\"}"},"max_tokens":1,"messages":[{"role":"user","content":"Hi"}]})",
      "\xef\xbb\xbf{\"model\":\"claude-sonnet-5\"}",
      "{\"model\":\"claude-sonnet-5\",\"bytes\":\"\xff\xfe\x80\"}",
      std::string("{\"model\":\"claude-sonnet-5\",\"nul\":\"") + '\0' + "\"}",
      R"({"model":17,"messages":[]})",
      R"({"model":"claude-sonnet-5", "cut)",
      "[1, 2]",
      "this is no JSON",
      "\"claude-sonnet-5\"",
      std::string(3'000, '[') + std::string(3'000, ']'),
  };
  for (const std::string& body : bodies) (void)post(body);
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), bodies.size());
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    EXPECT_EQ(body_of(requests[i]), bodies[i]);
    EXPECT_EQ(field_of(requests[i], "content-length"), std::to_string(bodies[i].size()));
    EXPECT_EQ(field_of(requests[i], "transfer-encoding"), "");
  }
}

TEST_P(PassThrough, forwards_a_chunked_body) {
  const std::string body = kWholeBody;
  RawClient client(fixture.port());
  client.send(std::string("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n") + kAnthropicFields +
              "Transfer-Encoding: chunked\r\n\r\n" + in_chunks(body, 7) +
              "0\r\nx-trailer: 1\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 200) << reply.raw;
  Document seen = fixture.requests().at(0);
  EXPECT_EQ(body_of(seen), body);
  EXPECT_EQ(field_of(seen, "x-trailer"), "");
}

TEST_P(PassThrough, preserves_path_query_version_and_betas) {
  const Reply reply = post(kWholeBody,
                           "anthropic-version: 2026-10-21\r\n"
                           "anthropic-beta: a-1,b-2\r\n"
                           "x-between: 1\r\n"
                           "Anthropic-Beta: b-2, c-3 ,,a-1\r\n"
                           "anthropic-beta: unheard-of-2099-01-01\r\n",
                           "/v1/messages?beta=true&x=%2F%20&&y=1?z");
  EXPECT_EQ(reply.status, 200);
  Document seen = fixture.requests().at(0);
  EXPECT_EQ(seen["method"], "POST");
  EXPECT_EQ(seen["target"], "/v1/messages?beta=true&x=%2F%20&&y=1?z");
  EXPECT_EQ(field_of(seen, "anthropic-version"), "2026-10-21");
  EXPECT_EQ(field_of(seen, "anthropic-beta"), "a-1,b-2,c-3,unheard-of-2099-01-01");
}

TEST_P(PassThrough, adds_a_version_only_when_none_was_sent) {
  (void)post(kWholeBody, "");
  (void)post(kWholeBody, "anthropic-version: 2026-10-21\r\n");
  Document requests = fixture.requests();
  EXPECT_EQ(field_of(requests.at(0), "anthropic-version"), "2023-06-01");
  EXPECT_EQ(field_of(requests.at(1), "anthropic-version"), "2026-10-21");
  EXPECT_EQ(field_of(requests.at(0), "anthropic-beta"), "");
}

TEST_P(PassThrough, forwards_streams_unchanged) {
  const std::string start =
      "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","
      "\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n";
  const std::string stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  const std::vector<std::string> streams = {
      start + ": a comment\n\n:\n\n" + stop,
      start + "event: ping\ndata: {\"type\": \"ping\"}\n\n" + stop,
      start + "event: brand_new\ndata: {\"type\":\"brand_new\",\"n\":1.0}\nid: 7\nretry: 10\n\n" +
          stop,
      start + "data: {\"type\":\"content_block_delta\",\n" +
          "data: \"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"é😀\"}}\n\n\n\n" + stop,
      "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{}}\r\n\r\n"
      "event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n",
      "event: message_start\rdata: {\"type\":\"message_start\",\"message\":{}}\r\r"
      "event: message_stop\rdata: {\"type\":\"message_stop\"}\r\r",
      start + "event: message_stop\ndata:{\"type\":\"message_stop\"}\n\n" + ": after the end\n\n",
      start +
          "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
          "\"message\":\"Overloaded\"}}\n\n",
      start + "data: not JSON\n\ndata: [DONE]\n\n" + stop,
      start + "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":\"" +
          std::string(600'000, 'x') + "\"}\n\n" + stop,
  };
  for (const std::string& stream : streams) {
    fixture.set_reply({{"raw", stream}});
    const Reply reply = post(kStreamedBody);
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.complete);
    EXPECT_TRUE(reply.body == stream) << reply.body.substr(0, 2000);
    EXPECT_EQ(reply.field("content-type"), "text/event-stream; charset=utf-8");
    EXPECT_EQ(reply.field("cache-control"), "no-cache");
    EXPECT_FALSE(reply.has("content-length"));
  }
}

TEST_P(PassThrough, forwards_a_stream_unchanged_however_it_is_cut) {
  for (const char* fault : {"split=1", "split=2", "split=3", "split=5", "split=7", "split=16",
                            "split=64", "drip", "crlf", "cr", "http10", "interim"}) {
    const std::string text = "é😀 one two";
    fixture.set_reply({{"text", text}, {"fault", fault}});
    const Reply odd = post(kStreamedBody);
    EXPECT_TRUE(odd.complete) << fault;
    EXPECT_NE(odd.body.find("message_stop"), std::string::npos) << fault << odd.raw;
    EXPECT_EQ(odd.body.find("api_error"), std::string::npos) << fault << odd.raw;
    EXPECT_EQ(odd.body.find("1\r\n"), std::string::npos) << fault << ": chunk framing got through";
    Document receipt = fixture.receipts(fixture.requests().size()).back();
    EXPECT_EQ(receipt["ended"], "complete") << fault;
    EXPECT_EQ(receipt["stop_reason"], "end_turn") << fault;
    EXPECT_GT(receipt["output_tokens"], 0) << fault;
  }
}

TEST_P(PassThrough, forwards_whole_responses_unchanged) {
  for (const std::string& body :
       {std::string(R"({ "id":"msg_1" , "type":"message","n":1.0,"u":"\u00e9é","usage":{} })"),
        std::string("\n[]\n"), std::string("not JSON"), std::string(),
        "{\"text\":\"" + std::string(2'000'000, 'y') + "\"}"}) {
    fixture.set_reply({{"body", body}});
    const Reply reply = post(kWholeBody);
    EXPECT_TRUE(reply.complete);
    EXPECT_TRUE(reply.body == body);
    EXPECT_EQ(reply.field("content-length"), std::to_string(body.size()));
    EXPECT_EQ(reply.field("content-type"), "application/json");
  }
}

TEST_P(PassThrough, forwards_errors_unchanged) {
  const std::string body =
      R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded", "details":{"x":1.0}},"request_id":"req_x"})";
  for (const int status : {201, 202, 307, 400, 401, 402, 403, 404, 405, 408, 409, 413,
                           418, 422, 429, 451, 500, 501, 502, 503, 504, 529, 599}) {
    fixture.set_reply({{"status", status},
                       {"body", body},
                       {"headers",
                        {{"request-id", "req_x"},
                         {"retry-after", "7"},
                         {"retry-after-ms", "7000"},
                         {"x-should-retry", "true"},
                         {"location", "https://elsewhere.example/"},
                         {"anthropic-ratelimit-requests-remaining", "0"},
                         {"anthropic-ratelimit-unified-status", "rejected"},
                         {"x-unknown", "kept, as it is"}}}});
    const Reply reply = post(kStreamedBody);
    EXPECT_EQ(reply.status, status);
    EXPECT_TRUE(reply.complete) << status;
    EXPECT_EQ(reply.body, body) << status;
    EXPECT_EQ(reply.field("request-id"), "req_x");
    EXPECT_EQ(reply.field("retry-after"), "7");
    EXPECT_EQ(reply.field("retry-after-ms"), "7000");
    EXPECT_EQ(reply.field("x-should-retry"), "true");
    EXPECT_EQ(reply.field("location"), "https://elsewhere.example/");
    EXPECT_EQ(reply.field("anthropic-ratelimit-requests-remaining"), "0");
    EXPECT_EQ(reply.field("anthropic-ratelimit-unified-status"), "rejected");
    EXPECT_EQ(reply.field("x-unknown"), "kept, as it is");
  }
  EXPECT_EQ(fixture.requests().size(), 23U) << "an error must not be tried again";
}

TEST_P(PassThrough, forwards_responses_without_a_body) {
  for (const int status : {204, 304}) {
    fixture.set_reply({{"status", status}, {"body", ""}});
    RawClient client(fixture.port());
    client.send(request("POST", "/v1/messages", kWholeBody, kAnthropicFields));
    EXPECT_EQ(client.read_reply().status, status);
    client.send(request("GET", "/health"));
    EXPECT_EQ(client.read_reply().status, 200) << "the connection must still be in step";
  }
}

TEST_P(PassThrough, forwards_only_end_to_end_fields_of_the_request) {
  const std::string forwarded =
      "User-Agent: claude-cli/2.1.197 (external, cli)\r\n"
      "x-app: cli\r\n"
      "anthropic-dangerous-direct-browser-access: true\r\n"
      "anthropic-user-profile-id: p\r\n"
      "anthropic-workspace-id: w\r\n"
      "X-Stainless-Lang: js\r\n"
      "x-stainless-retry-count: 0\r\n"
      "x-claude-code-session-id: 11111111-2222\r\n"
      "idempotency-key: i\r\n"
      "accept: application/json\r\n"
      "traceparent: 00-1-1-01\r\n"
      "X-Never-Heard-Of: kept;  as it is\r\n";
  const std::string dropped =
      "Connection: keep-alive, X-Named, x-other-named\r\n"
      "X-Named: secret\r\n"
      "X-Other-Named: secret\r\n"
      "Keep-Alive: timeout=5\r\n"
      "TE: trailers\r\n"
      "Trailer: x-secret\r\n"
      "Upgrade: secret\r\n"
      "Proxy-Authorization: Basic secret\r\n"
      "Proxy-Connection: secret\r\n"
      "X-Forwarded-For: secret\r\n"
      "X-Forwarded-Host: secret\r\n"
      "Forwarded: for=secret\r\n"
      "Cookie: session=secret\r\n"
      "Accept-Encoding: gzip, br, zstd\r\n";
  const Reply reply = post(kWholeBody, kAnthropicFields + forwarded + dropped);
  ASSERT_EQ(reply.status, 200) << reply.raw;
  Document seen = fixture.requests().at(0);
  EXPECT_EQ(seen["headers"].dump().find("secret"), std::string::npos) << seen["headers"].dump(1);
  for (const char* name : {"connection", "keep-alive", "te", "trailer", "upgrade", "cookie",
                           "expect", "proxy-connection", "transfer-encoding"})
    EXPECT_EQ(field_of(seen, name), "") << name;
  EXPECT_EQ(field_of(seen, "accept-encoding"), "identity");
  EXPECT_EQ(field_of(seen, "host"), "127.0.0.1:" + std::to_string(fixture.mock_port()));
  EXPECT_EQ(field_of(seen, "user-agent"), "claude-cli/2.1.197 (external, cli)");
  EXPECT_EQ(field_of(seen, "x-app"), "cli");
  EXPECT_EQ(field_of(seen, "x-never-heard-of"), "kept;  as it is");
  EXPECT_EQ(field_of(seen, "content-type"), "application/json");
  // The other fields are there too, spelt as they were.
  std::string text;
  for (const Document& field : seen["headers"])
    text += field[0].get<std::string>() + ": " + field[1].get<std::string>() + "\r\n";
  for (std::size_t at = 0; at < forwarded.size();) {
    const auto end = forwarded.find("\r\n", at) + 2;
    const std::string line = forwarded.substr(at, end - at);
    EXPECT_NE(text.find(line), std::string::npos) << line << "is missing in\n" << text;
    at = end;
  }
}

TEST_P(PassThrough, handles_expect_itself) {
  RawClient client(fixture.port());
  const std::string body = kWholeBody;
  client.send(std::string("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n") + kAnthropicFields +
              "Expect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  ASSERT_TRUE(client.wait_for("HTTP/1.1 100 Continue\r\n\r\n"));
  client.send(body);
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(field_of(fixture.requests().at(0), "expect"), "");
}

TEST_P(PassThrough, adds_a_user_agent_only_when_none_was_sent) {
  (void)post(kWholeBody);
  const std::string name = field_of(fixture.requests().at(0), "user-agent");
  EXPECT_TRUE(name.starts_with("ccproxy/")) << name;
  EXPECT_EQ(field_of(fixture.requests().at(0), "x-app"), "");
}

TEST_P(PassThrough, forwards_only_end_to_end_fields_of_the_response) {
  fixture.set_reply(
      {{"text", "Hi"},
       {"headers", Document::array({{"request-id", "req_1"},
                                    {"connection", "keep-alive, X-Named"},
                                    {"X-Named", "secret"},
                                    {"keep-alive", "timeout=secret"},
                                    {"proxy-authenticate", "secret"},
                                    {"set-cookie", "secret=1"},
                                    {"Set-Cookie", "secret=2"},
                                    {"Server", "secret"},
                                    {"alt-svc", "secret"},
                                    {"vary", "Origin"},
                                    {"x-unknown", "one"},
                                    {"x-unknown", "two"},
                                    {"content-disposition", "inline; filename=\"a b\""}})}});
  const Reply reply = post(kWholeBody);
  const std::string head = reply.raw.substr(0, reply.raw.find("\r\n\r\n"));
  EXPECT_EQ(head.find("secret"), std::string::npos) << head;
  for (const char* name : {"server", "set-cookie", "alt-svc", "x-named", "keep-alive"})
    EXPECT_FALSE(reply.has(name)) << name;
  EXPECT_EQ(reply.field("request-id"), "req_1");
  EXPECT_EQ(reply.field("anthropic-organization-id"), "00000000-0000-4000-8000-000000000000");
  EXPECT_EQ(reply.field("anthropic-ratelimit-requests-limit"), "4000");
  EXPECT_EQ(reply.field("content-disposition"), "inline; filename=\"a b\"");
  EXPECT_NE(head.find("\r\nx-unknown: one\r\nx-unknown: two\r\n"), std::string::npos) << head;
  for (const auto& [name, value] : reply.fields)
    EXPECT_FALSE(name.starts_with("x-ccproxy")) << "nothing was changed";
}

TEST_P(PassThrough, forwards_a_compressed_response_and_reads_its_usage) {
  for (const char* body : {kStreamedBody, kWholeBody}) {
    fixture.set_reply(
        {{"text", "one two three"}, {"fault", "gzip"}, {"usage", {{"input_tokens", 77}}}});
    const Reply reply = post(body);
    EXPECT_EQ(reply.field("content-encoding"), "gzip");
    EXPECT_TRUE(reply.complete);
    http::Decoder decoder(http::Coding::kGzip);
    std::string text;
    ASSERT_TRUE(decoder.decode(reply.body, text, 1 << 20));
    EXPECT_TRUE(decoder.complete());
    EXPECT_NE(text.find("end_turn"), std::string::npos) << text;
    Document receipt = fixture.receipts(fixture.requests().size()).back();
    EXPECT_EQ(receipt["input_tokens"], 77);
    EXPECT_EQ(receipt["output_tokens"], 3);
    EXPECT_EQ(receipt["stop_reason"], "end_turn");
  }
}

TEST_P(PassThrough, logs_the_usage_of_streams_and_whole_responses) {
  Document usage = {{"input_tokens", 11},
                    {"cache_read_input_tokens", 1200},
                    {"cache_creation_input_tokens", 30},
                    {"output_tokens", 5}};
  fixture.set_reply({{"text", "one two three four five"},
                     {"usage", usage},
                     {"headers", {{"request-id", "req_abc"}}}});
  (void)post(kStreamedBody, std::string(kAnthropicFields) + "user-agent: some-client/1.2 (x)\r\n");
  (void)post(kWholeBody, std::string(kAnthropicFields) + "user-agent: some-client/1.2 (x)\r\n");
  for (Document& receipt : fixture.receipts(2)) {
    EXPECT_EQ(receipt["route"], "/v1/messages");
    EXPECT_EQ(receipt["method"], "POST");
    EXPECT_EQ(receipt["client"], "some-client/1.2");
    EXPECT_EQ(receipt["model"], "claude-sonnet-5");
    EXPECT_EQ(receipt["status"], 200);
    EXPECT_EQ(receipt["upstream_request_id"], "req_abc");
    EXPECT_EQ(receipt["input_tokens"], 11);
    EXPECT_EQ(receipt["cached_tokens"], 1200);
    EXPECT_EQ(receipt["cache_write_tokens"], 30);
    EXPECT_EQ(receipt["output_tokens"], 5);
    EXPECT_EQ(receipt["stop_reason"], "end_turn");
    EXPECT_EQ(receipt["ended"], "complete");
    EXPECT_GE(receipt["duration_ms"].get<double>(), receipt["first_byte_ms"].get<double>());
  }
}

}  // namespace
}  // namespace ccproxy::test
