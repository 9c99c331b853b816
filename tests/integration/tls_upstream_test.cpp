// An upstream behind TLS: who is trusted and who is not, what a refusal says, and that everything
// else is as without it.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/raw_upstream.hpp"
#include "support/road.hpp"

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

// Stands between the proxy and the mock, hands on every byte, and keeps what the proxy said first
// on each connection: its ClientHello.
class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  Gate(Gate&&) = delete;
  Gate& operator=(Gate&&) = delete;
  // The programs on both sides must have ended.
  ~Gate() {
    for (std::thread& pump : pumps_) pump.join();
  }

  [[nodiscard]] std::uint16_t port() const { return door_.port(); }
  // Takes the next connection and serves it until it ends.
  void serve(std::uint16_t mock_port) {
    auto proxy = std::shared_ptr<RawClient>(door_.accept());
    if (!proxy) throw std::runtime_error("the proxy does not connect");
    auto mock = std::make_shared<RawClient>(mock_port);
    const std::string hello = proxy->take_some();
    hellos_.push_back(hello);
    mock->send(hello);
    pumps_.emplace_back([proxy, mock] { hand_on(*proxy, *mock); });
    pumps_.emplace_back([proxy, mock] { hand_on(*mock, *proxy); });
  }
  [[nodiscard]] const std::vector<std::string>& hellos() const { return hellos_; }

 private:
  static void hand_on(RawClient& from, RawClient& to) {
    while (true) {
      const std::string bytes = from.take_some();
      if (bytes.empty() || !to.send(bytes)) break;
    }
    to.end_writing();
  }

  RawUpstream door_;
  std::vector<std::string> hellos_;
  std::vector<std::thread> pumps_;
};

// Whether a ClientHello offers a session to resume: a pre_shared_key extension (RFC 8446, 4.2.11).
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

class OverTls : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, OverTls, testing::Values(1U, 2U));

TEST_P(OverTls, a_trusted_upstream_is_used_and_its_connection_kept) {
  ProxyFixture fixture(secured(GetParam()));
  RawClient client(fixture.port());
  for (int i = 0; i < 10; ++i) {
    client.send(request("POST", "/v1/messages", i % 2 == 0 ? kStreamed : kWhole, kFields));
    const Reply reply = client.read_reply();
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_TRUE(reply.complete);
  }
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 10U);
  for (Document& one : requests) EXPECT_EQ(one["connection"], requests[0]["connection"]);
  EXPECT_EQ(body_of(requests[0]), kStreamed);
}

TEST_P(OverTls, large_bodies_pass_both_ways) {
  ProxyFixture fixture(secured(GetParam()));
  const std::string body = R"({"x":")" + std::string(6'000'000, 'x') + "\"}";
  fixture.reply({{"body", body}});
  const Reply reply = ask(fixture.port(), "POST", "/v1/messages", body, kFields);
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.complete);
  EXPECT_TRUE(reply.body == body);
  EXPECT_TRUE(body_of(fixture.requests().at(0)) == body);
}

TEST_P(OverTls, an_unknown_certificate_is_refused_before_anything_is_said) {
  ProxyFixture fixture(secured(GetParam(), ""));
  expect_certificate_refused(ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields));
  EXPECT_EQ(fixture.requests().size(), 0U);
}

TEST_P(OverTls, a_certificate_for_another_name_is_refused) {
  Plan plan = secured(GetParam());
  plan.mock_flags.insert(plan.mock_flags.end(), {"--host", "127.0.0.2"});
  ProxyFixture fixture(std::move(plan));
  ASSERT_TRUE(fixture.mock_url().starts_with("https://127.0.0.2:")) << fixture.mock_url();
  expect_certificate_refused(ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields));
}

TEST_P(OverTls, the_name_localhost_is_checked_as_a_name) {
  Plan plan = secured(GetParam());
  plan.upstream = "";
  plan.environment["CCPROXY_UPSTREAM_URL"] = "https://localhost:{port}";
  ProxyFixture fixture(std::move(plan));
  EXPECT_EQ(ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields).status, 200);
  EXPECT_EQ(field_of(fixture.requests().at(0), "host"),
            "localhost:" + std::to_string(fixture.mock_port()));
}

TEST_P(OverTls, the_certificates_of_ssl_cert_file_are_trusted) {
  Plan plan = secured(GetParam(), "");
  plan.environment["SSL_CERT_FILE"] = "{home}/mock.pem";
  ProxyFixture fixture(std::move(plan));
  EXPECT_EQ(ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields).status, 200);
}

TEST_P(OverTls, a_ca_file_that_is_not_there_is_told_at_start) {
  Plan plan = secured(GetParam(), R"({"upstream": {"caFile": "{home}/nowhere.pem"}})");
  try {
    const ProxyFixture fixture(std::move(plan));
    ADD_FAILURE() << "it started";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("upstream.caFile"), std::string::npos) << error.what();
  }
}

TEST_P(OverTls, an_answer_cut_without_the_end_of_tls_is_cut_for_the_client) {
  ProxyFixture fixture(secured(GetParam()));
  fixture.reply({{"text", "one two three"}, {"fault", "tls-abort"}});
  const Reply whole = ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields);
  EXPECT_FALSE(whole.complete) << whole.raw;
  const Reply stream = ask(fixture.port(), "POST", "/v1/messages", kStreamed, kFields);
  EXPECT_TRUE(stream.complete);
  EXPECT_NE(stream.body.find("event: error\n"), std::string::npos) << stream.raw;
}

TEST_P(OverTls, an_answer_that_ends_with_the_end_of_tls_is_whole) {
  ProxyFixture fixture(secured(GetParam()));
  fixture.reply({{"text", "one two three"}, {"fault", "http10"}});
  const Reply whole = ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields);
  EXPECT_TRUE(whole.complete);
  EXPECT_EQ(Document::parse(whole.body)["type"], "message");
  EXPECT_EQ(fixture.receipt()["ended"], "complete");
}

TEST_P(OverTls, faults_are_told_as_without_it) {
  ProxyFixture fixture(secured(GetParam()));
  const auto post = [&](const char* body, const char* fault) {
    fixture.reply({{"text", "one two three"}, {"fault", fault}, {"pace", "events"}});
    return ask(fixture.port(), "POST", "/v1/messages", body, kFields);
  };
  EXPECT_EQ(post(kWhole, "reset").status, 502);
  EXPECT_NE(post(kStreamed, "reset-mid=2").body.find("event: error\n"), std::string::npos);
  EXPECT_NE(post(kStreamed, "stall-mid=2").body.find("event: error\n"), std::string::npos);
  EXPECT_EQ(post(kWhole, "stall").status, 504);
  EXPECT_TRUE(post(kStreamed, "drip").complete);
  EXPECT_EQ(post(kStreamed, "split=3").body.find("event: error\n"), std::string::npos);
}

TEST_P(OverTls, a_connection_that_dies_with_the_request_is_replaced) {
  ProxyFixture fixture(secured(GetParam()));
  fixture.script(
      {{"replies",
        Document::array({{{"times", 1}, {"text", "Hi"}, {"fault", "dead-keepalive=late"}}})}});
  RawClient client(fixture.port());
  for (int i = 0; i < 2; ++i) {
    client.send(request("POST", "/v1/messages", kWhole, kFields));
    EXPECT_EQ(client.read_reply().status, 200);
  }
  EXPECT_EQ(fixture.receipts(2)[1]["resent"], 1);
  EXPECT_EQ(fixture.requests().size(), 2U);
}

TEST_P(OverTls, a_client_that_leaves_takes_the_connection_with_it) {
  ProxyFixture fixture(secured(GetParam()));
  for (const char* fault : {"stall", "stall-mid=2"}) {
    fixture.forget_requests();
    fixture.reply({{"text", "one two three"}, {"fault", fault}});
    RawClient client(fixture.port());
    client.send(request("POST", "/v1/messages", kStreamed, kFields));
    ASSERT_TRUE(wait_until([&] { return fixture.requests().size() == 1; }));
    client.close();
    EXPECT_TRUE(
        wait_until([&] { return fixture.requests()[0]["aborted"] == true; }, milliseconds(1000)))
        << fault;
  }
}

TEST_P(OverTls, an_upstream_that_does_not_speak_it_is_a_502) {
  RawUpstream plain;
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .upstream = "https://127.0.0.1:" + std::to_string(plain.port())});
  RawClient client(fixture.port());
  client.send(request("POST", "/v1/messages", kWhole, kFields));
  const auto peer = plain.accept();
  ASSERT_TRUE(peer && peer->wait_for("\x16\x03"));
  peer->send("HTTP/1.1 400 Bad Request\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 502) << reply.raw;
  EXPECT_NE(reply.body.find("TLS"), std::string::npos) << reply.body;
}

TEST_P(OverTls, a_handshake_that_is_not_answered_ends_within_its_limit) {
  RawUpstream silent;
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"timeouts": {"tlsSeconds": 1}})",
                            .upstream = "https://127.0.0.1:" + std::to_string(silent.port())});
  const auto start = steady_clock::now();
  const Reply reply = ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields);
  EXPECT_TRUE(reply.status == 502 || reply.status == 504) << reply.raw;
  EXPECT_NE(reply.body.find("timeouts.tlsSeconds"), std::string::npos) << reply.body;
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(4));
}

TEST_P(OverTls, a_second_connection_resumes_the_session_of_the_first) {
  Gate gate;  // outlives the road
  Plan plan = secured(GetParam());
  plan.upstream = "https://127.0.0.1:" + std::to_string(gate.port());
  ProxyFixture fixture(std::move(plan));
  fixture.reply({{"text", "Hi"}, {"fault", "close-after"}});  // so that each request needs another
  RawClient client(fixture.port());
  for (int i = 0; i < 2; ++i) {
    client.send(request("POST", "/v1/messages", kWhole, kFields));
    gate.serve(fixture.mock_port());
    EXPECT_EQ(client.read_reply().status, 200);
  }
  ASSERT_EQ(gate.hellos().size(), 2U);
  EXPECT_FALSE(offers_session(gate.hellos()[0]));
  EXPECT_TRUE(offers_session(gate.hellos()[1]));
}

TEST_P(OverTls, many_connections_at_once_take_up_sessions_and_work) {
  ProxyFixture fixture(secured(GetParam()));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int round = 0; round < 2; ++round) {
    clients.clear();
    for (int i = 0; i < 20; ++i) {
      clients.push_back(std::make_unique<RawClient>(fixture.port()));
      clients.back()->send(request("POST", "/v1/messages", kStreamed, kFields));
    }
    for (const auto& client : clients) EXPECT_TRUE(client->read_reply().complete);
  }
  EXPECT_EQ(fixture.requests().size(), 40U);
}

}  // namespace
}  // namespace ccproxy::test
