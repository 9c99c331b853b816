// An upstream behind TLS: which certificates are trusted, what the error says when one is not, and
// that everything else is as without TLS.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/proxy_fixture.hpp"
#include "support/raw_upstream.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kTrusting = R"({"upstream": {"caFile": "{home}/mock.pem"},
  "timeouts": {"idleUpstreamSeconds": 1, "firstByteSeconds": 2, "tlsSeconds": 1}})";

Plan secured(unsigned workers, std::string config = kTrusting) {
  return Plan{.workers = workers,
              .config = std::move(config),
              .mock_flags = {"--tls", "--ca-out", "{home}/mock.pem"}};
}

void expect_certificate_refused(const Reply& reply) {
  EXPECT_EQ(reply.status, 502) << reply.raw;
  Document body = Document::parse(reply.body, nullptr, false);
  ASSERT_TRUE(body.is_object()) << reply.body;
  EXPECT_EQ(body["error"]["type"], "api_error");
  EXPECT_NE(body["error"]["message"].get<std::string>().find("certificate"), std::string::npos)
      << reply.body;
}

// A relay between proxy and mock that stores the first bytes of each connection: the proxy's
// ClientHello.
class TlsRelay {
 public:
  TlsRelay() = default;
  TlsRelay(const TlsRelay&) = delete;
  TlsRelay& operator=(const TlsRelay&) = delete;
  TlsRelay(TlsRelay&&) = delete;
  TlsRelay& operator=(TlsRelay&&) = delete;
  // Both programs must have ended, so that the threads can be joined.
  ~TlsRelay() {
    for (std::thread& thread : threads_) thread.join();
  }

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  // Accepts the next connection and starts to relay it.
  void serve(std::uint16_t mock_port) {
    auto proxy = std::shared_ptr<RawClient>(listener_.accept());
    if (!proxy) throw std::runtime_error("the proxy does not connect");
    auto mock = std::make_shared<RawClient>(mock_port);
    const std::string hello = proxy->take_some();
    hellos_.push_back(hello);
    mock->send(hello);
    threads_.emplace_back([proxy, mock] { forward(*proxy, *mock); });
    threads_.emplace_back([proxy, mock] { forward(*mock, *proxy); });
  }
  [[nodiscard]] const std::vector<std::string>& hellos() const { return hellos_; }

 private:
  static void forward(RawClient& from, RawClient& to) {
    while (true) {
      const std::string bytes = from.take_some();
      if (bytes.empty() || !to.send(bytes)) break;
    }
    to.end_writing();
  }

  RawUpstream listener_;
  std::vector<std::string> hellos_;
  std::vector<std::thread> threads_;
};

// Returns whether a ClientHello offers a session to resume: the pre_shared_key extension (RFC 8446,
// 4.2.11).
bool offers_session(const std::string& hello) {
  std::size_t at = 5 + 4 + 2 + 32;  // record, handshake, version, random
  const auto number = [&](std::size_t size) {
    std::size_t value = 0;
    while (size-- > 0) value = value << 8U | static_cast<unsigned char>(hello.at(at++));
    return value;
  };
  for (const std::size_t size : {1U, 2U, 1U}) {  // session id, cipher suites, compression
    const std::size_t length = number(size);
    at += length;
  }
  const std::size_t extensions = number(2);
  const std::size_t end = at + extensions;
  constexpr std::size_t kPreSharedKey = 41;
  while (at < end) {
    if (number(2) == kPreSharedKey) return true;
    const std::size_t length = number(2);
    at += length;
  }
  return false;
}

class TlsUpstream : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, TlsUpstream, testing::Values(1U, 2U));

TEST_P(TlsUpstream, connection_is_reused) {
  ProxyFixture fixture(secured(GetParam()));
  RawClient client(fixture.port());
  for (int i = 0; i < 10; ++i) {
    client.send(
        request("POST", "/v1/messages", i % 2 == 0 ? kStreamedBody : kWholeBody, kAnthropicFields));
    const Reply reply = client.read_reply();
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_TRUE(reply.complete);
  }
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 10U);
  for (Document& one : requests) EXPECT_EQ(one["connection"], requests[0]["connection"]);
  EXPECT_EQ(body_of(requests[0]), kStreamedBody);
}

TEST_P(TlsUpstream, large_bodies_are_forwarded_both_ways) {
  ProxyFixture fixture(secured(GetParam()));
  const std::string body = R"({"x":")" + std::string(6'000'000, 'x') + "\"}";
  fixture.set_reply({{"body", body}});
  const Reply reply = send_request(fixture.port(), "POST", "/v1/messages", body, kAnthropicFields);
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.complete);
  EXPECT_TRUE(reply.body == body);
  EXPECT_TRUE(body_of(fixture.requests().at(0)) == body);
}

TEST_P(TlsUpstream, unknown_certificate_is_refused_before_anything_is_sent) {
  ProxyFixture fixture(secured(GetParam(), ""));
  expect_certificate_refused(
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields));
  EXPECT_EQ(fixture.requests().size(), 0U);
}

TEST_P(TlsUpstream, certificate_for_another_name_is_refused) {
  Plan plan = secured(GetParam());
  plan.mock_flags.insert(plan.mock_flags.end(), {"--host", "127.0.0.2"});
  ProxyFixture fixture(std::move(plan));
  ASSERT_TRUE(fixture.mock_url().starts_with("https://127.0.0.2:")) << fixture.mock_url();
  expect_certificate_refused(
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields));
}

TEST_P(TlsUpstream, localhost_is_checked_as_a_name) {
  Plan plan = secured(GetParam());
  plan.upstream = "";
  plan.environment["CCPROXY_UPSTREAM_URL"] = "https://localhost:{port}";
  ProxyFixture fixture(std::move(plan));
  EXPECT_EQ(
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields).status,
      200);
  EXPECT_EQ(field_of(fixture.requests().at(0), "host"),
            "localhost:" + std::to_string(fixture.mock_port()));
}

TEST_P(TlsUpstream, certificates_of_ssl_cert_file_are_trusted) {
  Plan plan = secured(GetParam(), "");
  plan.environment["SSL_CERT_FILE"] = "{home}/mock.pem";
  ProxyFixture fixture(std::move(plan));
  EXPECT_EQ(
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields).status,
      200);
}

TEST_P(TlsUpstream, missing_ca_file_is_reported_at_startup) {
  Plan plan = secured(GetParam(), R"({"upstream": {"caFile": "{home}/nowhere.pem"}})");
  try {
    const ProxyFixture fixture(std::move(plan));
    ADD_FAILURE() << "it started";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("upstream.caFile"), std::string::npos) << error.what();
  }
}

TEST_P(TlsUpstream, response_without_close_notify_is_cut_for_the_client) {
  ProxyFixture fixture(secured(GetParam()));
  fixture.set_reply({{"text", "one two three"}, {"fault", "tls-abort"}});
  const Reply whole =
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  EXPECT_FALSE(whole.complete) << whole.raw;
  const Reply stream =
      send_request(fixture.port(), "POST", "/v1/messages", kStreamedBody, kAnthropicFields);
  EXPECT_TRUE(stream.complete);
  EXPECT_NE(stream.body.find("event: error\n"), std::string::npos) << stream.raw;
}

TEST_P(TlsUpstream, response_that_ends_with_close_notify_is_complete) {
  ProxyFixture fixture(secured(GetParam()));
  fixture.set_reply({{"text", "one two three"}, {"fault", "http10"}});
  const Reply whole =
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  EXPECT_TRUE(whole.complete);
  EXPECT_EQ(Document::parse(whole.body)["type"], "message");
  EXPECT_EQ(fixture.receipt()["ended"], "complete");
}

TEST_P(TlsUpstream, faults_are_reported_as_without_tls) {
  ProxyFixture fixture(secured(GetParam()));
  const auto post = [&](const char* body, const char* fault) {
    fixture.set_reply({{"text", "one two three"}, {"fault", fault}, {"pace", "events"}});
    return send_request(fixture.port(), "POST", "/v1/messages", body, kAnthropicFields);
  };
  EXPECT_EQ(post(kWholeBody, "reset").status, 502);
  EXPECT_NE(post(kStreamedBody, "reset-mid=2").body.find("event: error\n"), std::string::npos);
  EXPECT_NE(post(kStreamedBody, "stall-mid=2").body.find("event: error\n"), std::string::npos);
  EXPECT_EQ(post(kWholeBody, "stall").status, 504);
  EXPECT_TRUE(post(kStreamedBody, "drip").complete);
  EXPECT_EQ(post(kStreamedBody, "split=3").body.find("event: error\n"), std::string::npos);
}

TEST_P(TlsUpstream, connection_that_closes_with_the_request_is_replaced) {
  ProxyFixture fixture(secured(GetParam()));
  fixture.set_script(
      {{"replies",
        Document::array({{{"times", 1}, {"text", "Hi"}, {"fault", "dead-keepalive=late"}}})}});
  RawClient client(fixture.port());
  for (int i = 0; i < 2; ++i) {
    client.send(request("POST", "/v1/messages", kWholeBody, kAnthropicFields));
    EXPECT_EQ(client.read_reply().status, 200);
  }
  EXPECT_EQ(fixture.receipts(2)[1]["resent"], 1);
  EXPECT_EQ(fixture.requests().size(), 2U);
}

TEST_P(TlsUpstream, client_disconnect_closes_the_connection) {
  ProxyFixture fixture(secured(GetParam()));
  for (const char* fault : {"stall", "stall-mid=2"}) {
    fixture.clear_requests();
    fixture.set_reply({{"text", "one two three"}, {"fault", fault}});
    RawClient client(fixture.port());
    client.send(request("POST", "/v1/messages", kStreamedBody, kAnthropicFields));
    ASSERT_TRUE(wait_until([&] { return fixture.requests().size() == 1; }));
    client.close();
    EXPECT_TRUE(
        wait_until([&] { return fixture.requests()[0]["aborted"] == true; }, milliseconds(1000)))
        << fault;
  }
}

TEST_P(TlsUpstream, upstream_without_tls_is_a_502) {
  RawUpstream plain;
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .upstream = "https://127.0.0.1:" + std::to_string(plain.port())});
  RawClient client(fixture.port());
  client.send(request("POST", "/v1/messages", kWholeBody, kAnthropicFields));
  const auto peer = plain.accept();
  ASSERT_TRUE(peer && peer->wait_for("\x16\x03"));
  peer->send("HTTP/1.1 400 Bad Request\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 502) << reply.raw;
  EXPECT_NE(reply.body.find("TLS"), std::string::npos) << reply.body;
}

TEST_P(TlsUpstream, handshake_has_a_timeout) {
  RawUpstream silent;
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"timeouts": {"tlsSeconds": 1}})",
                            .upstream = "https://127.0.0.1:" + std::to_string(silent.port())});
  const auto start = steady_clock::now();
  const Reply reply =
      send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  EXPECT_TRUE(reply.status == 502 || reply.status == 504) << reply.raw;
  EXPECT_NE(reply.body.find("timeouts.tlsSeconds"), std::string::npos) << reply.body;
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(4));
}

TEST_P(TlsUpstream, second_connection_resumes_the_session) {
  TlsRelay relay;  // must outlive the fixture
  Plan plan = secured(GetParam());
  plan.upstream = "https://127.0.0.1:" + std::to_string(relay.port());
  ProxyFixture fixture(std::move(plan));
  fixture.set_reply(
      {{"text", "Hi"}, {"fault", "close-after"}});  // each request needs a new connection
  RawClient client(fixture.port());
  for (int i = 0; i < 2; ++i) {
    client.send(request("POST", "/v1/messages", kWholeBody, kAnthropicFields));
    relay.serve(fixture.mock_port());
    EXPECT_EQ(client.read_reply().status, 200);
  }
  ASSERT_EQ(relay.hellos().size(), 2U);
  EXPECT_FALSE(offers_session(relay.hellos()[0]));
  EXPECT_TRUE(offers_session(relay.hellos()[1]));
}

TEST_P(TlsUpstream, concurrent_connections_resume_sessions) {
  ProxyFixture fixture(secured(GetParam()));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int round = 0; round < 2; ++round) {
    clients.clear();
    for (int i = 0; i < 20; ++i) {
      clients.push_back(std::make_unique<RawClient>(fixture.port()));
      clients.back()->send(request("POST", "/v1/messages", kStreamedBody, kAnthropicFields));
    }
    for (const auto& client : clients) EXPECT_TRUE(client->read_reply().complete);
  }
  EXPECT_EQ(fixture.requests().size(), 40U);
}

}  // namespace
}  // namespace ccproxy::test
