// The door of the proxy: HTTP/1.1 requests, who is admitted, and the replies to those who are not.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/coding.hpp"
#include "support/proxy_fixture.hpp"

namespace ccproxy::test {
namespace {

class Door : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, Door, testing::Values(1U, 2U));

TEST_P(Door, serves_pipelined_requests_in_order) {
  RawClient client(fixture.port());
  client.send(request("POST", "/v1/messages", kWholeBody, kAnthropicFields) +
              request("GET", "/health") + request("GET", "/nowhere") + request("HEAD", "/"));
  EXPECT_NE(client.read_reply().body.find("\"type\":\"message\""), std::string::npos);
  EXPECT_NE(client.read_reply().body.find("uptime_seconds"), std::string::npos);
  EXPECT_EQ(client.read_reply().status, 404);
  const Reply head = client.read_reply(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
}

TEST_P(Door, sends_100_continue) {
  RawClient client(fixture.port());
  client.send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n" +
              std::string(kAnthropicFields) + "Content-Length: " +
              std::to_string(std::string_view(kWholeBody).size()) + "\r\n\r\n");
  ASSERT_TRUE(client.wait_for("HTTP/1.1 100 Continue\r\n\r\n"));
  client.send(kWholeBody);
  EXPECT_EQ(client.read_reply().status, 200);
}

TEST_P(Door, forwards_the_bytes_of_a_chunked_body) {
  RawClient client(fixture.port());
  const std::string body = kWholeBody;
  client.send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\ntransfer-encoding: chunked\r\n" +
              std::string(kAnthropicFields) + "\r\n5\r\n" + body.substr(0, 5) + "\r\n");
  char size[32];
  std::snprintf(size, sizeof size, "%zx", body.size() - 5);
  client.send(std::string(size) + "\r\n" + body.substr(5) + "\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(body_of(fixture.requests().at(0)), body);
}

TEST_P(Door, decompresses_a_body_only_to_change_the_model) {
  const std::string coded = http::gzip(kWholeBody);
  const std::string fields = std::string(kAnthropicFields) + "content-encoding: gzip\r\n";
  // The mock does not decompress bodies; the test only reads what it received.
  (void)send_request(fixture.port(), "POST", "/v1/messages", coded, fields);
  EXPECT_EQ(body_of(fixture.requests().at(0)), coded);
  EXPECT_EQ(field_of(fixture.requests().at(0), "content-encoding"), "gzip");

  const std::string mapped =
      R"({"model":"opus","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]})";
  EXPECT_EQ(send_request(fixture.port(), "POST", "/v1/messages", http::gzip(mapped), fields).status,
            200);
  EXPECT_NE(body_of(fixture.requests().at(1)).find(R"({"model":"claude-opus-5-5",)"),
            std::string::npos);
  EXPECT_EQ(field_of(fixture.requests().at(1), "content-encoding"), "");
}

TEST_P(Door, refuses_unknown_codings_and_decompression_bombs) {
  const std::string fields = kAnthropicFields;
  EXPECT_EQ(send_request(fixture.port(), "POST", "/v1/messages", "x",
                         fields + "content-encoding: lzma\r\n")
                .status,
            415);
  EXPECT_EQ(send_request(fixture.port(), "POST", "/v1/messages", "not gzip",
                         fields + "content-encoding: gzip\r\n")
                .status,
            400);
  const std::string bomb = http::gzip(std::string(std::size_t{40} << 20, ' '));
  EXPECT_EQ(send_request(fixture.port(), "POST", "/v1/messages", bomb,
                         fields + "content-encoding: gzip\r\n")
                .status,
            413);
  EXPECT_TRUE(fixture.requests().empty());
}

TEST_P(Door, refuses_a_body_that_is_too_large_without_waiting_for_it) {
  RawClient client(fixture.port());
  client.send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 33554433\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_NE(reply.body.find("request_too_large"), std::string::npos);
  EXPECT_NE(reply.body.find("limits.bodyBytes"), std::string::npos);
  EXPECT_EQ(reply.field("connection"), "close");
}

// Every kind of reply: whole, streamed, forwarded, translated, stored, an error, on every route.
struct RouteRequest {
  const char *name, *method, *path, *body;
};
const RouteRequest kRouteRequests[] = {
    {"health", "GET", "/health", ""},
    {"the probe", "GET", "/", ""},
    {"models", "GET", "/v1/models", ""},
    {"a message", "POST", "/v1/messages", kWholeBody},
    {"a streamed message", "POST", "/v1/messages", kStreamedBody},
    {"a list that passes through", "GET", "/v1/files", ""},
    {"a chat completion", "POST", "/v1/chat/completions",
     R"({"model":"sonnet","messages":[{"role":"user","content":"Hi"}]})"},
    {"a streamed one", "POST", "/v1/chat/completions",
     R"({"model":"sonnet","stream":true,"messages":[{"role":"user","content":"Hi"}]})"},
    {"a response", "POST", "/v1/responses", R"({"model":"sonnet","input":"Hi"})"},
    {"a streamed response", "POST", "/v1/responses",
     R"({"model":"sonnet","input":"Hi","stream":true})"},
    {"a route that is not there", "GET", "/nowhere", ""},
    {"a method that is not allowed", "DELETE", "/v1/messages", ""},
    {"a body that is no JSON", "POST", "/v1/chat/completions", "{"},
};

TEST_P(Door, every_reply_has_the_security_fields) {
  for (const RouteRequest& row : kRouteRequests) {
    SCOPED_TRACE(row.name);
    const Reply reply =
        send_request(fixture.port(), row.method, row.path, row.body, kAnthropicFields);
    EXPECT_EQ(reply.field("x-content-type-options"), "nosniff");
    EXPECT_EQ(reply.field("cross-origin-resource-policy"), "same-origin");
    EXPECT_EQ(reply.field("content-security-policy"), "");
  }
  RawClient broken(fixture.port());
  broken.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(broken.read_reply().field("x-content-type-options"), "nosniff");
  for (const char* content : {"/v1/files/file_1/content", "/v1/files/file_1/%63ontent",
                              "/v1/files/file_1/conten%74", "/v1/%2566iles/file_1/%2563ontent"})
    EXPECT_EQ(send_request(fixture.port(), "GET", content, "", kAnthropicFields)
                  .field("content-security-policy"),
              "sandbox")
        << content;
}

// Without an Origin, a page can make a browser send a GET, with no field of its choice.
TEST_P(Door, refuses_requests_of_other_sites) {
  for (const RouteRequest& row : kRouteRequests)
    for (const char* site : {"cross-site", "same-site"}) {
      SCOPED_TRACE(std::string(row.name) + ", " + site);
      const Reply reply = send_request(fixture.port(), row.method, row.path, row.body,
                                       std::string("sec-fetch-site: ") + site + "\r\n");
      if (std::string_view(row.path) == "/health") {
        EXPECT_EQ(reply.body, R"({"status":"ok"})");
      } else {
        EXPECT_EQ(reply.status, 403);
      }
    }
  EXPECT_TRUE(fixture.requests().empty());
  EXPECT_EQ(send_request(fixture.port(), "GET", "/v1/files", "", "sec-fetch-site: none\r\n").status,
            200);
}

TEST_P(Door, names_the_allowed_methods) {
  const Reply reply = send_request(fixture.port(), "GET", "/v1/messages");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.field("allow"), "POST");
  EXPECT_EQ(send_request(fixture.port(), "DELETE", "/health").field("allow"), "GET, HEAD");
}

TEST_P(Door, errors_are_in_the_dialect_of_the_route) {
  const Reply openai = send_request(fixture.port(), "POST", "/v1/embeddings", "{}");
  EXPECT_EQ(openai.status, 404);
  EXPECT_EQ(Document::parse(openai.body)["error"]["code"], "unknown_url");
  const Reply anthropic = send_request(fixture.port(), "POST", "/nowhere", "{}");
  EXPECT_EQ(Document::parse(anthropic.body)["error"]["type"], "not_found_error");
  EXPECT_EQ(Document::parse(anthropic.body)["request_id"], anthropic.field("request-id"));
}

TEST_P(Door, ends_a_reply_by_closing_for_an_http_1_0_client) {
  RawClient client(fixture.port());
  client.send("POST /v1/messages HTTP/1.0\r\n" + std::string(kAnthropicFields) +
              "Content-Length: " + std::to_string(std::string_view(kStreamedBody).size()) +
              "\r\n\r\n" + kStreamedBody);
  bool closed = false;
  const std::string all = client.read_all(&closed);
  EXPECT_TRUE(closed);
  EXPECT_EQ(all.find("transfer-encoding"), std::string::npos);
  EXPECT_TRUE(all.ends_with("data: {\"type\":\"message_stop\"}\n\n")) << all;
}

TEST_P(Door, refuses_a_head_that_is_too_large) {
  RawClient client(fixture.port());
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Big: " + std::string(70'000, 'x'));
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 431);
  EXPECT_NE(reply.body.find("limits.headBytes"), std::string::npos);
}

TEST_P(Door, accepts_paths_with_empty_segments) {
  const std::string chat =
      R"({"model":"claude-sonnet-5","messages":[{"role":"user","content":"Hi"}]})";
  for (const char* target :
       {"/v1//chat/completions", "/v1/chat/completions/", "//chat//completions"})
    EXPECT_EQ(send_request(fixture.port(), "POST", target, chat, kAnthropicFields).status, 200)
        << target;
  for (const char* target : {"//v1/messages", "/v1/messages/", "/v1//messages//?beta=true"}) {
    EXPECT_EQ(send_request(fixture.port(), "POST", target, kWholeBody, kAnthropicFields).status,
              200)
        << target;
    Document seen = fixture.requests().back();
    EXPECT_TRUE(seen["target"].get<std::string>().starts_with("/v1/messages")) << seen["target"];
    EXPECT_EQ(seen["target"].get<std::string>().find("//"), std::string::npos) << seen["target"];
  }
  for (const char* target : {"/v1/models/", "//v1/models", "/v1/models//claude-opus-5/"})
    EXPECT_EQ(send_request(fixture.port(), "GET", target).status, 200) << target;
  EXPECT_EQ(send_request(fixture.port(), "GET", "//v1//..//health").status, 400);
}

TEST_P(Door, serves_a_target_in_absolute_form_that_names_this_server) {
  const auto status = [&](const std::string& target, const std::string& host) {
    RawClient client(fixture.port());
    client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    const Reply reply = client.read_reply();
    if (reply.status == 421) {
      EXPECT_NE(reply.body.find("\"message\""), std::string::npos);
    }
    return reply.status;
  };
  const std::string here = "localhost:" + std::to_string(fixture.port());
  EXPECT_EQ(status("http://" + here + "/v1/models", here), 200);
  EXPECT_EQ(status("HTTPS://" + here + "/health?x=y", here), 200);
  EXPECT_EQ(status("http://" + here, here), 200);
  EXPECT_EQ(status("http://" + here + "/nowhere", here), 404);
  EXPECT_EQ(status("http://localhost/health", here), 421) << "another address than Host";
  EXPECT_EQ(status("http://evil.example/health", "evil.example"), 421);
  EXPECT_EQ(status("http://evil.example/health", here), 421);
  EXPECT_EQ(status("ftp://" + here + "/health", here), 421);
}

// The client that sent a broken head must be able to read the error.
TEST_P(Door, http_errors_are_in_the_dialect_of_the_path) {
  const auto error_of = [&](const std::string& bytes, int status) {
    RawClient client(fixture.port());
    client.send(bytes);
    const Reply reply = client.read_reply();
    EXPECT_EQ(reply.status, status) << bytes.substr(0, 60);
    return Document::parse(reply.body);
  };
  const std::string big = " HTTP/1.1\r\nHost: localhost\r\nX-Big: " + std::string(70'000, 'x');
  for (const char* path : {"/v1/chat/completions", "/v1//responses/", "/v1/models"}) {
    SCOPED_TRACE(path);
    const std::string line = std::string("POST ") + path;
    for (const Document& body :
         {error_of(line + " HTTP/1.1\r\nno colon\r\n\r\n", 400),
          error_of(line + " HTTP/1.1\r\n\r\n", 400), error_of(line + big, 431)}) {
      EXPECT_EQ(body["error"]["type"], "invalid_request_error");
      EXPECT_TRUE(body["error"].contains("code")) << body;
      EXPECT_FALSE(body.contains("type")) << body;
    }
  }
  EXPECT_EQ(error_of("POST /v1/messages HTTP/1.1\r\n\r\n", 400)["type"], "error");
  EXPECT_EQ(error_of("POST /v1/messages" + big, 431)["type"], "error");
  EXPECT_EQ(error_of("nonsense\r\n\r\n", 400)["type"], "error") << "no path is known";
}

TEST_P(Door, closes_on_request_smuggling) {
  const std::string host = "Host: localhost\r\n";
  const std::vector<std::string> heads = {
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\nx",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\nx",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + host + "\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\n" + host + "\r\n",
      "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "X : a\r\n\r\n",
      "GET localhost/ HTTP/1.1\r\n" + host + "\r\n",
      "CONNECT localhost:80 HTTP/1.1\r\n" + host + "\r\n",
      "FETCH / HTTP/1.1\r\n" + host + "\r\n",
  };
  for (const std::string& head : heads) {
    SCOPED_TRACE(head);
    RawClient client(fixture.port());
    client.send(head + request("GET", "/health"));
    bool closed = false;
    const std::string all = client.read_all(&closed);
    EXPECT_TRUE(all.starts_with("HTTP/1.1 400 ")) << all;
    EXPECT_EQ(all.find("200 OK"), std::string::npos) << "what stood behind it was answered";
    EXPECT_TRUE(closed);
  }
}

TEST_P(Door, refuses_a_broken_chunk) {
  for (const char* chunk : {"x\r\n", "-1\r\nx\r\n", "1\r\nxy\r\n", "1;a=\"b\"\r\nx\r\n"}) {
    RawClient client(fixture.port());
    client.send(
        "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
        std::string(chunk) + "0\r\n\r\n");
    EXPECT_EQ(client.read_reply().status, 400) << chunk;
  }
}

TEST_P(Door, serves_loopback_hosts_and_local_pages_only) {
  const auto with = [&](const std::string& host, const std::string& more = "") {
    RawClient client(fixture.port());
    client.send("GET /v1/models HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n");
    return client.read_reply();
  };
  EXPECT_EQ(with("127.0.0.1:3456").status, 200);
  const Reply foreign = with("rebound.example");
  EXPECT_EQ(foreign.status, 403);
  EXPECT_NE(foreign.body.find("server.allowedHosts"), std::string::npos);
  const Reply page = with("localhost", "Origin: https://evil.example\r\n");
  EXPECT_EQ(page.status, 403);
  EXPECT_FALSE(page.has("access-control-allow-origin"));
}

TEST_P(Door, tells_other_hosts_only_that_it_runs) {
  RawClient client(fixture.port());
  client.send("GET /health HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
  EXPECT_EQ(client.read_reply().body, R"({"status":"ok"})");
  client.send("HEAD / HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
  EXPECT_EQ(client.read_reply(true).status, 200);
}

const char* const kKeys =
    R"({"apiKeys":[{"name":"laptop","key":"ccp-one"},{"name":"phone","key":"ccp-two"}]})";

class ProxyKeys : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, ProxyKeys, testing::Values(1U, 2U));

TEST_P(ProxyKeys, are_accepted_in_each_field_and_named_in_the_log) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = kKeys});
  const std::vector<std::string> key_fields = {"Authorization: Bearer ccp-two",
                                               "x-api-key: ccp-two", "api-key: ccp-two",
                                               "x-ccproxy-key: ccp-two"};
  for (const std::string& field : key_fields)
    EXPECT_EQ(send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                           kAnthropicFields + field + "\r\n")
                  .status,
              200)
        << field;
  for (const Document& receipt : fixture.receipts(4)) EXPECT_EQ(receipt["key"], "phone");
  for (const Document& received : fixture.requests())
    EXPECT_EQ(field_of(received, "x-api-key"), kServerKey);
  EXPECT_EQ(fixture.log().find("ccp-two"), std::string::npos);
}

TEST_P(ProxyKeys, wrong_ones_are_refused_in_the_dialect_of_the_route) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = kKeys});
  const Reply anthropic = send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                                       std::string(kAnthropicFields) + "x-api-key: no\r\n");
  EXPECT_EQ(anthropic.status, 401);
  EXPECT_EQ(Document::parse(anthropic.body)["error"]["type"], "authentication_error");
  const Reply openai =
      send_request(fixture.port(), "GET", "/v1/models", "", "Authorization: Bearer no\r\n");
  EXPECT_EQ(openai.status, 401);
  EXPECT_EQ(Document::parse(openai.body)["error"]["code"], "invalid_api_key");
  EXPECT_EQ(send_request(fixture.port(), "GET", "/health").body, R"({"status":"ok"})");
  EXPECT_EQ(send_request(fixture.port(), "HEAD", "/").status, 200);
  EXPECT_TRUE(fixture.requests().empty());
}

TEST_P(ProxyKeys, waive_the_host_check) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = kKeys});
  RawClient client(fixture.port());
  client.send("GET /v1/models HTTP/1.1\r\nHost: tunnel.example\r\nx-ccproxy-key: ccp-one\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 200);
}

class AllowedOrigins : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, AllowedOrigins, testing::Values(1U, 2U));

TEST_P(AllowedOrigins, get_cors_fields_and_preflights) {
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"server":{"allowedOrigins":["https://app.example"]}})"});
  const std::string origin = "Origin: https://app.example\r\n";
  const Reply preflight = send_request(
      fixture.port(), "OPTIONS", "/v1/messages", "",
      origin +
          "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-api-key\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.field("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(preflight.field("access-control-allow-headers"), "x-api-key");
  const Reply reply =
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields + origin);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(send_request(fixture.port(), "GET", "/nowhere", "", origin)
                .field("access-control-allow-origin"),
            "https://app.example");
}

TEST(ListenAddresses, accept_clients_on_ipv4_ipv6_and_a_unix_socket) {
  ProxyFixture fixture(
      Plan{.workers = 2, .flags = {"--host", "localhost", "--socket", "{home}/door.sock"}});
  EXPECT_EQ(send_request(fixture.port(), "GET", "/health").status, 200);
  RawClient v6(fixture.port(), "::1");
  if (v6.connected()) {  // a machine may have no IPv6
    v6.send(request("GET", "/health"));
    EXPECT_EQ(v6.read_reply().status, 200);
  }
  RawClient local(fixture.home() + "/door.sock");
  ASSERT_TRUE(local.connected());
  local.send("POST /v1/messages HTTP/1.1\r\nHost: whatever\r\n" + std::string(kAnthropicFields) +
             "Content-Length: " + std::to_string(std::string_view(kStreamedBody).size()) +
             "\r\n\r\n" + kStreamedBody);
  EXPECT_TRUE(local.read_reply().complete);
}

}  // namespace
}  // namespace ccproxy::test
