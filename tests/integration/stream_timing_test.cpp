// The timing of a forwarded stream: each event is forwarded at once, and a slow client slows the
// upstream down. The test itself is the upstream, so that it knows what was sent before the next
// event.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/proxy_fixture.hpp"
#include "support/raw_upstream.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class StreamTiming : public testing::TestWithParam<unsigned> {
 protected:
  RawUpstream upstream;
  ProxyFixture fixture{Plan{.workers = GetParam(), .upstream = upstream.url()}};
  RawClient client{fixture.port()};

  std::unique_ptr<RawClient> begin(const char* body = kStreamedBody) {
    auto peer = start_message(client, upstream, body);
    EXPECT_TRUE(peer);
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, StreamTiming, testing::Values(1U, 2U));

TEST_P(StreamTiming, forwards_the_head_before_the_first_event) {
  const auto peer = begin();
  peer->send(kEventStreamHead);
  EXPECT_TRUE(client.wait_for("\r\n\r\n")) << "the upstream has sent no more than its head";
  peer->send(chunked(kMessageStart) + chunked(kMessageStop) + "0\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.body, std::string(kMessageStart) + kMessageStop);
}

TEST_P(StreamTiming, forwards_each_event_at_once) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(kMessageStart));
  ASSERT_TRUE(client.wait_for(kMessageStart));
  for (int i = 0; i < 50; ++i) {
    const std::string event =
        "event: content_block_delta\ndata: {\"n\":" + std::to_string(i) + "}\n\n";
    peer->send(chunked(event));
    ASSERT_TRUE(client.wait_for(event)) << i;
  }
  peer->send(chunked(kMessageStop) + "0\r\n\r\n");
  EXPECT_TRUE(client.read_reply().complete);
}

TEST_P(StreamTiming, forwards_a_part_of_an_event_at_once) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(kMessageStart));
  ASSERT_TRUE(client.wait_for(kMessageStart));
  // The pieces cut a name, a character of three bytes and a line end; the last cut is inside the
  // chunk's frame.
  const std::vector<std::string> pieces = {"eve",  "nt: x\ndata: \xe2", "\x82",  "\xac\r",
                                           "\n\r", "\n: comm",          "ent\n", "\n"};
  std::string all = kMessageStart;
  for (const std::string& piece : pieces) {
    peer->send(chunked(piece));
    all += piece;
    ASSERT_TRUE(client.wait_for(piece));
  }
  const std::string last = chunked("data: in two writes\n\n");
  peer->send(std::string_view(last).substr(0, 12));
  ASSERT_TRUE(client.wait_for("data: in"));
  peer->send(std::string_view(last).substr(12));
  all += "data: in two writes\n\n";
  peer->send(chunked(kMessageStop) + "0\r\n\r\n");
  EXPECT_EQ(client.read_reply().body, all + kMessageStop);
}

TEST_P(StreamTiming, forwards_a_part_of_a_whole_response_at_once) {
  const auto peer = begin(kWholeBody);
  peer->send(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"a\":");
  ASSERT_TRUE(client.wait_for("{\"a\":"));
  peer->send("[1,2]} ");
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.body, "{\"a\":[1,2]} ");
}

TEST_P(StreamTiming, forwards_pings_and_adds_none) {
  const auto peer = begin();
  const std::string ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
  peer->send(kEventStreamHead + chunked(kMessageStart) + chunked(ping));
  ASSERT_TRUE(client.wait_for(ping));
  std::this_thread::sleep_for(milliseconds(1100));  // long enough to see that nothing comes
  peer->send(chunked(kMessageStop) + "0\r\n\r\n");
  EXPECT_EQ(client.read_reply().body, kMessageStart + ping + kMessageStop);
}

TEST_P(StreamTiming, http_1_0_client_gets_events_without_chunks) {
  client.send(std::string("POST /v1/messages HTTP/1.0\r\nHost: localhost\r\n") + kAnthropicFields +
              "Content-Length: " + std::to_string(std::string_view(kStreamedBody).size()) +
              "\r\n\r\n" + kStreamedBody);
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for(kStreamedBody));
  peer->send(kEventStreamHead + chunked(kMessageStart));
  ASSERT_TRUE(client.wait_for(kMessageStart));
  peer->send(chunked(kMessageStop) + "0\r\n\r\n");
  bool closed = false;
  const std::string all = client.read_all(&closed);
  EXPECT_TRUE(closed);
  EXPECT_EQ(all.substr(all.find("\r\n\r\n") + 4), std::string(kMessageStart) + kMessageStop);
}

TEST_P(StreamTiming, slow_client_stops_the_upstream_and_takes_no_memory) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(kMessageStart));
  ASSERT_TRUE(client.wait_for(kMessageStart));
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  const std::string event = "event: x\ndata: {\"x\":\"" + std::string(60'000, 'x') + "\"}\n\n";
  const std::string piece = chunked(event);
  constexpr std::size_t kMax = std::size_t{192} << 20;
  const std::size_t taken = peer->send_until_stalled(piece, kMax, milliseconds(700));
  EXPECT_LT(taken, kMax) << "the proxy reads on though nobody takes what it has read";
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), before + allowed_growth(2));
  // Once the client reads, all events arrive.
  std::thread rest([&] {
    peer->send(std::string_view(piece).substr(taken % piece.size()));
    peer->send(chunked(kMessageStop) + "0\r\n\r\n");
  });
  const Reply reply = client.read_reply();
  rest.join();
  EXPECT_TRUE(reply.complete);
  std::string all = kMessageStart;
  for (std::size_t i = 0; i <= taken / piece.size(); ++i) all += event;
  EXPECT_TRUE(reply.body == all + kMessageStop) << reply.body.size();
}

TEST_P(StreamTiming, many_streams_run_concurrently) {
  constexpr int kMany = 60;
  std::vector<std::unique_ptr<RawClient>> clients, peers;
  for (int i = 0; i < kMany; ++i) {
    clients.push_back(std::make_unique<RawClient>(fixture.port()));
    const std::string body = R"({"stream":true,"n":")" + std::to_string(i) + "\"}";
    clients.back()->send(request("POST", "/v1/messages", body, kAnthropicFields));
    peers.push_back(upstream.accept());
    ASSERT_TRUE(peers.back() && peers.back()->wait_for(body)) << i;
    peers.back()->send(kEventStreamHead + chunked("data: " + std::to_string(i) + "\n\n"));
  }
  for (int i = kMany; i-- > 0;) {
    const std::string event = "data: " + std::to_string(i) + "\n\n";
    ASSERT_TRUE(clients[static_cast<std::size_t>(i)]->wait_for(event)) << i;
    peers[static_cast<std::size_t>(i)]->send(chunked(kMessageStop) + "0\r\n\r\n");
    const Reply reply = clients[static_cast<std::size_t>(i)]->read_reply();
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(reply.body, event + kMessageStop);
  }
}

}  // namespace
}  // namespace ccproxy::test
