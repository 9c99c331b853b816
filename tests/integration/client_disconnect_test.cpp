// A client disconnects: whatever phase its request is in, the upstream's connection closes within a
// second, so that nobody pays for a message that nobody reads. A FIN counts as a disconnect.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "support/proxy_fixture.hpp"
#include "support/raw_upstream.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kSecond{1000};
constexpr const char* kEvent = "18\r\ndata: {\"type\":\"first\"}\n\n\r\n";

// How the client disconnects.
enum class Way { kClose, kReset, kEndWriting };

struct Case {
  unsigned workers;
  Way way;
};

class ClientDisconnect : public testing::TestWithParam<Case> {
 protected:
  RawUpstream upstream;
  ProxyFixture fixture{Plan{.workers = GetParam().workers, .upstream = upstream.url()}};
  RawClient client{fixture.port()};

  void disconnect() {
    switch (GetParam().way) {
      case Way::kClose: return client.close();
      case Way::kReset: return client.reset();
      case Way::kEndWriting: return client.end_writing();
    }
  }

  // Disconnects, and expects that `peer` is closed in time and that the receipt says why.
  void expect_upstream_closes(RawClient& peer) {
    disconnect();
    EXPECT_TRUE(peer.wait_closed(kSecond)) << "the upstream still works for a client that left";
    EXPECT_EQ(fixture.receipt()["ended"], "client_gone");
  }

  std::unique_ptr<RawClient> begin(const char* body = kStreamedBody) {
    auto peer = start_message(client, upstream, body);
    EXPECT_TRUE(peer);
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, ClientDisconnect,
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

TEST_P(ClientDisconnect, closes_the_upstream_while_waiting_for_the_head) {
  const auto peer = begin();
  expect_upstream_closes(*peer);
}

TEST_P(ClientDisconnect, closes_the_upstream_between_head_and_body) {
  const auto peer = begin();
  peer->send(kEventStreamHead);
  ASSERT_TRUE(client.wait_for("\r\n\r\n"));
  expect_upstream_closes(*peer);
}

TEST_P(ClientDisconnect, closes_the_upstream_in_the_middle_of_a_stream) {
  const auto peer = begin();
  peer->send(std::string(kEventStreamHead) + kEvent);
  ASSERT_TRUE(client.wait_for("first"));
  expect_upstream_closes(*peer);
}

TEST_P(ClientDisconnect, closes_the_upstream_in_the_middle_of_a_whole_reply) {
  const auto peer = begin(kWholeBody);
  peer->send(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"a\":");
  ASSERT_TRUE(client.wait_for("{\"a\":"));
  expect_upstream_closes(*peer);
}

TEST_P(ClientDisconnect, closes_the_upstream_during_an_upload) {
  client.send(std::string("POST /v1/files HTTP/1.1\r\nHost: localhost\r\n") + kAnthropicFields +
              "Content-Length: 1000000\r\n\r\nfirst part");
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("first part"));
  expect_upstream_closes(*peer);
}

TEST_P(ClientDisconnect, closes_the_upstream_while_a_large_message_is_forwarded) {
  // The body is larger than the buffers between proxy and upstream, so that sending it has to wait.
  const std::string body = "{\"x\":\"" + std::string(std::size_t{30} << 20, 'x') + "\"}";
  ASSERT_TRUE(client.send(request("POST", "/v1/messages", body, kAnthropicFields)));
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("\r\n\r\n"));
  expect_upstream_closes(*peer);
}

TEST_P(ClientDisconnect, ends_a_connection_attempt_that_hangs) {
  upstream.fill_up();
  client.send(request("POST", "/v1/messages", kStreamedBody, kAnthropicFields));
  // The connection attempt is not visible at the upstream, but /health counts the request.
  ASSERT_TRUE(wait_until([&] {
    return Document::parse(send_request(fixture.port(), "GET", "/health").body)
               .value("in_flight", 0) == 1;
  }));
  disconnect();
  EXPECT_TRUE(
      wait_until([&] { return fixture.log().find("client_gone") != std::string::npos; }, kSecond));
}

// Behind a closed receive window a FIN would not arrive; a reset does.
class ClientDisconnectWithFullBuffers : public ClientDisconnect {};
INSTANTIATE_TEST_SUITE_P(Workers, ClientDisconnectWithFullBuffers,
                         testing::Values(Case{1, Way::kReset}, Case{2, Way::kReset}));

TEST_P(ClientDisconnectWithFullBuffers, ends_an_upload_that_the_upstream_does_not_read) {
  client.send(std::string("POST /v1/files HTTP/1.1\r\nHost: localhost\r\n") + kAnthropicFields +
              "Content-Length: 900000000\r\n\r\n");
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("\r\n\r\n"));
  // The upstream reads nothing, so all buffers between client and upstream are full.
  (void)client.send_until_stalled(std::string(65'536, 'x'), 900'000'000, milliseconds(300));
  const auto left_at = steady_clock::now();
  disconnect();
  EXPECT_TRUE(
      wait_until([&] { return fixture.log().find("client_gone") != std::string::npos; }, kSecond));
  EXPECT_LT(steady_clock::now() - left_at, kSecond);
}

class ClientDisconnectBeforeTls : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Workers, ClientDisconnectBeforeTls,
                         testing::Values(Case{1, Way::kClose}, Case{2, Way::kEndWriting}));

TEST_P(ClientDisconnectBeforeTls, ends_a_handshake_that_hangs) {
  RawUpstream silent;
  ProxyFixture secured(Plan{.workers = GetParam().workers,
                            .upstream = "https://127.0.0.1:" + std::to_string(silent.port())});
  RawClient other(secured.port());
  other.send(request("POST", "/v1/messages", kStreamedBody, kAnthropicFields));
  const auto peer = silent.accept();
  ASSERT_TRUE(peer && peer->wait_for("\x16\x03")) << "no ClientHello";
  GetParam().way == Way::kClose ? other.close() : other.end_writing();
  EXPECT_TRUE(peer->wait_closed(kSecond));
  EXPECT_EQ(secured.receipt()["ended"], "client_gone");
}

// The mock must record the disconnect, too.
class ClientDisconnectAtMock : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, ClientDisconnectAtMock, testing::Values(1U, 2U));

TEST_P(ClientDisconnectAtMock, is_recorded_within_a_second) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  for (const char* fault : {"stall", "stall-mid=2", "slow-head=60000", "pings-only=50"}) {
    fixture.clear_requests();
    fixture.set_reply({{"text", "one two three"}, {"fault", fault}});
    RawClient client(fixture.port());
    client.send(request("POST", "/v1/messages", kStreamedBody, kAnthropicFields));
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

TEST_P(ClientDisconnect, ends_the_fetch_of_the_model_list) {
  client.send(request("GET", "/v1/models"));
  auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("/v1/models?limit=1000"));
  expect_upstream_closes(*peer);

  // The list was not fetched, so the next client's request fetches it at once.
  RawClient next(fixture.port());
  next.send(request("GET", "/v1/models"));
  auto again = upstream.accept();
  ASSERT_TRUE(again && again->wait_for("/v1/models?limit=1000"));
}

TEST_P(ClientDisconnect, ends_the_lookup_of_a_model) {
  client.send(request("POST", "/v1/chat/completions",
                      R"({"model":"claude-next-9","messages":[{"role":"user","content":"Hi"}]})"));
  auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("/v1/models/claude-next-9"));
  expect_upstream_closes(*peer);
}

}  // namespace
}  // namespace ccproxy::test
