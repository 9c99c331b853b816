// The client leaves: whatever phase its request is in, the upstream's connection closes within a
// second, so that nobody pays for an answer that nobody reads. A FIN counts as leaving.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "support/raw_upstream.hpp"
#include "support/road.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kSecond{1000};
constexpr const char* kStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
constexpr const char* kEvent = "18\r\ndata: {\"type\":\"first\"}\n\n\r\n";

// How the client leaves.
enum class Way { kClose, kReset, kEndWriting };

struct Case {
  unsigned workers;
  Way way;
};

class ClientGone : public testing::TestWithParam<Case> {
 protected:
  RawUpstream upstream;
  ProxyFixture fixture{Plan{.workers = GetParam().workers, .upstream = upstream.url()}};
  RawClient client{fixture.port()};

  void leave() {
    switch (GetParam().way) {
      case Way::kClose: return client.close();
      case Way::kReset: return client.reset();
      case Way::kEndWriting: return client.end_writing();
    }
  }

  // The client's leaving is told to `peer` in time, and in the log.
  void expect_told(RawClient& peer) {
    leave();
    EXPECT_TRUE(peer.wait_closed(kSecond)) << "the upstream still works for a client that left";
    EXPECT_EQ(fixture.receipt()["ended"], "client_gone");
  }

  std::unique_ptr<RawClient> begin(const char* body = kStreamed) {
    client.send(request("POST", "/v1/messages", body, kFields));
    auto peer = upstream.accept();
    EXPECT_TRUE(peer && peer->wait_for(body));
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, ClientGone,
                         testing::Values(Case{1, Way::kClose}, Case{1, Way::kReset},
                                         Case{1, Way::kEndWriting}, Case{2, Way::kClose},
                                         Case{2, Way::kReset}, Case{2, Way::kEndWriting}),
                         [](const auto& one) {
                           const Way way = one.param.way;
                           return std::to_string(one.param.workers) +
                                  (way == Way::kClose   ? "_closes"
                                   : way == Way::kReset ? "_resets"
                                                        : "_ends_writing");
                         });

TEST_P(ClientGone, while_waiting_for_the_head) {
  const auto peer = begin();
  expect_told(*peer);
}

TEST_P(ClientGone, between_the_head_and_the_first_byte) {
  const auto peer = begin();
  peer->send(kStreamHead);
  ASSERT_TRUE(client.wait_for("\r\n\r\n"));
  expect_told(*peer);
}

TEST_P(ClientGone, in_the_middle_of_a_stream) {
  const auto peer = begin();
  peer->send(std::string(kStreamHead) + kEvent);
  ASSERT_TRUE(client.wait_for("first"));
  expect_told(*peer);
}

TEST_P(ClientGone, in_the_middle_of_a_whole_answer) {
  const auto peer = begin(kWhole);
  peer->send(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"a\":");
  ASSERT_TRUE(client.wait_for("{\"a\":"));
  expect_told(*peer);
}

TEST_P(ClientGone, while_uploading_a_file) {
  client.send(std::string("POST /v1/files HTTP/1.1\r\nHost: localhost\r\n") + kFields +
              "Content-Length: 1000000\r\n\r\nfirst part");
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("first part"));
  expect_told(*peer);
}

TEST_P(ClientGone, while_a_large_message_is_sent_on) {
  // Large enough to fill what lies between proxy and upstream, so that sending it has to wait.
  const std::string body = "{\"x\":\"" + std::string(std::size_t{30} << 20, 'x') + "\"}";
  ASSERT_TRUE(client.send(request("POST", "/v1/messages", body, kFields)));
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("\r\n\r\n"));
  expect_told(*peer);
}

TEST_P(ClientGone, while_connecting_to_an_upstream_that_does_not_answer) {
  upstream.fill_up();
  client.send(request("POST", "/v1/messages", kStreamed, kFields));
  // Its connection attempt shows nowhere; that the request has come does, in the health.
  ASSERT_TRUE(wait_until([&] {
    return Document::parse(ask(fixture.port(), "GET", "/health").body).value("in_flight", 0) == 1;
  }));
  leave();
  EXPECT_TRUE(
      wait_until([&] { return fixture.log().find("client_gone") != std::string::npos; }, kSecond));
}

// A FIN would stand behind what the closed window holds back: it would not even arrive. A reset
// does.
class ClientGoneFromFullRoad : public ClientGone {};
INSTANTIATE_TEST_SUITE_P(Workers, ClientGoneFromFullRoad,
                         testing::Values(Case{1, Way::kReset}, Case{2, Way::kReset}));

TEST_P(ClientGoneFromFullRoad, while_the_upstream_does_not_take_the_upload) {
  client.send(std::string("POST /v1/files HTTP/1.1\r\nHost: localhost\r\n") + kFields +
              "Content-Length: 900000000\r\n\r\n");
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("\r\n\r\n"));
  // Nobody reads at the upstream: the whole road is full, up to here.
  (void)client.send_until_stalled(std::string(65'536, 'x'), 900'000'000, milliseconds(300));
  const auto left_at = steady_clock::now();
  leave();
  EXPECT_TRUE(
      wait_until([&] { return fixture.log().find("client_gone") != std::string::npos; }, kSecond));
  EXPECT_LT(steady_clock::now() - left_at, kSecond);
}

class ClientGoneFromTls : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Workers, ClientGoneFromTls,
                         testing::Values(Case{1, Way::kClose}, Case{2, Way::kEndWriting}));

TEST_P(ClientGoneFromTls, while_the_handshake_is_not_answered) {
  RawUpstream silent;
  ProxyFixture secured(Plan{.workers = GetParam().workers,
                            .upstream = "https://127.0.0.1:" + std::to_string(silent.port())});
  RawClient other(secured.port());
  other.send(request("POST", "/v1/messages", kStreamed, kFields));
  const auto peer = silent.accept();
  ASSERT_TRUE(peer && peer->wait_for("\x16\x03")) << "no ClientHello";
  GetParam().way == Way::kClose ? other.close() : other.end_writing();
  EXPECT_TRUE(peer->wait_closed(kSecond));
  EXPECT_EQ(secured.receipt()["ended"], "client_gone");
}

// The mock sees it as well, and says so in its recording.
class ClientGoneFromMock : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, ClientGoneFromMock, testing::Values(1U, 2U));

TEST_P(ClientGoneFromMock, is_recorded_within_a_second) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  for (const char* fault : {"stall", "stall-mid=2", "slow-head=60000", "pings-only=50"}) {
    fixture.forget_requests();
    fixture.reply({{"text", "one two three"}, {"fault", fault}});
    RawClient client(fixture.port());
    client.send(request("POST", "/v1/messages", kStreamed, kFields));
    const bool shows = std::string_view(fault).find("-mid") != std::string_view::npos ||
                       std::string_view(fault).starts_with("pings");
    if (shows)
      ASSERT_TRUE(client.wait_for("message_start")) << fault;
    else
      ASSERT_TRUE(wait_until([&] { return fixture.requests().size() == 1; })) << fault;
    const auto left_at = steady_clock::now();
    client.close();
    EXPECT_TRUE(wait_until([&] { return fixture.requests()[0]["aborted"] == true; }, kSecond))
        << fault;
    EXPECT_LT(steady_clock::now() - left_at, kSecond) << fault;
    EXPECT_TRUE(wait_until([&] { return fixture.status()["open_connections"] == 0; }, kSecond));
  }
}

TEST_P(ClientGone, while_the_upstreams_models_are_looked_at) {
  client.send(request("GET", "/v1/models"));
  auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("/v1/models?limit=1000"));
  expect_told(*peer);

  // Nobody has the list yet: the next client asks for it at once.
  RawClient next(fixture.port());
  next.send(request("GET", "/v1/models"));
  auto again = upstream.accept();
  ASSERT_TRUE(again && again->wait_for("/v1/models?limit=1000"));
}

TEST_P(ClientGone, while_a_model_is_looked_up) {
  client.send(request("POST", "/v1/chat/completions",
                      R"({"model":"claude-next-9","messages":[{"role":"user","content":"Hi"}]})"));
  auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("/v1/models/claude-next-9"));
  expect_told(*peer);
}

}  // namespace
}  // namespace ccproxy::test
