// The time of a stream: each event leaves as soon as it came, a slow client slows the upstream
// down, a client that left takes the upstream's connection with it. The upstream is the test
// itself, so that "before the next was sent" is a fact and not a matter of luck.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/raw_upstream.hpp"
#include "support/road.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
constexpr const char* kStart =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";
constexpr const char* kStop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

std::string chunk(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return std::string(size).append(bytes).append("\r\n");
}

class Streamed : public testing::TestWithParam<unsigned> {
 protected:
  RawUpstream upstream;
  ProxyFixture fixture{Plan{.workers = GetParam(), .upstream = upstream.url()}};
  RawClient client{fixture.port()};

  // Sends a message and takes it at the upstream.
  std::unique_ptr<RawClient> begin(const char* body = kStreamed) {
    client.send(request("POST", "/v1/messages", body, kFields));
    auto peer = upstream.accept();
    EXPECT_TRUE(peer && peer->wait_for(body));
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Streamed, testing::Values(1U, 2U));

TEST_P(Streamed, the_head_arrives_before_the_first_event) {
  const auto peer = begin();
  peer->send(kStreamHead);
  EXPECT_TRUE(client.wait_for("\r\n\r\n")) << "the upstream has sent no more than its head";
  peer->send(chunk(kStart) + chunk(kStop) + "0\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.body, std::string(kStart) + kStop);
}

TEST_P(Streamed, each_event_arrives_before_the_next_is_sent) {
  const auto peer = begin();
  peer->send(kStreamHead + chunk(kStart));
  ASSERT_TRUE(client.wait_for(kStart));
  for (int i = 0; i < 50; ++i) {
    const std::string event =
        "event: content_block_delta\ndata: {\"n\":" + std::to_string(i) + "}\n\n";
    peer->send(chunk(event));
    ASSERT_TRUE(client.wait_for(event)) << i;
  }
  peer->send(chunk(kStop) + "0\r\n\r\n");
  EXPECT_TRUE(client.read_reply().complete);
}

TEST_P(Streamed, half_an_event_arrives_before_the_other_half_is_sent) {
  const auto peer = begin();
  peer->send(kStreamHead + chunk(kStart));
  ASSERT_TRUE(client.wait_for(kStart));
  // Cut inside a name, a character of three bytes and a line end; and inside the chunk's own frame.
  const std::vector<std::string> pieces = {"eve",  "nt: x\ndata: \xe2", "\x82",  "\xac\r",
                                           "\n\r", "\n: comm",          "ent\n", "\n"};
  std::string all = kStart;
  for (const std::string& piece : pieces) {
    peer->send(chunk(piece));
    all += piece;
    ASSERT_TRUE(client.wait_for(piece));
  }
  const std::string last = chunk("data: in two writes\n\n");
  peer->send(std::string_view(last).substr(0, 12));
  ASSERT_TRUE(client.wait_for("data: in"));
  peer->send(std::string_view(last).substr(12));
  all += "data: in two writes\n\n";
  peer->send(chunk(kStop) + "0\r\n\r\n");
  EXPECT_EQ(client.read_reply().body, all + kStop);
}

TEST_P(Streamed, a_whole_answer_arrives_as_it_comes_too) {
  const auto peer = begin(kWhole);
  peer->send(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"a\":");
  ASSERT_TRUE(client.wait_for("{\"a\":"));
  peer->send("[1,2]} ");
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.body, "{\"a\":[1,2]} ");
}

TEST_P(Streamed, pings_of_the_upstream_pass_and_none_are_invented) {
  const auto peer = begin();
  const std::string ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
  peer->send(kStreamHead + chunk(kStart) + chunk(ping));
  ASSERT_TRUE(client.wait_for(ping));
  std::this_thread::sleep_for(milliseconds(1100));  // what is to be seen is that nothing comes
  peer->send(chunk(kStop) + "0\r\n\r\n");
  EXPECT_EQ(client.read_reply().body, kStart + ping + kStop);
}

TEST_P(Streamed, a_client_of_http_1_0_gets_the_events_bare_and_then_the_end) {
  client.send(std::string("POST /v1/messages HTTP/1.0\r\nHost: localhost\r\n") + kFields +
              "Content-Length: " + std::to_string(std::string_view(kStreamed).size()) + "\r\n\r\n" +
              kStreamed);
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for(kStreamed));
  peer->send(kStreamHead + chunk(kStart));
  ASSERT_TRUE(client.wait_for(kStart));
  peer->send(chunk(kStop) + "0\r\n\r\n");
  bool closed = false;
  const std::string all = client.read_all(&closed);
  EXPECT_TRUE(closed);
  EXPECT_EQ(all.substr(all.find("\r\n\r\n") + 4), std::string(kStart) + kStop);
}

TEST_P(Streamed, a_slow_client_stops_the_upstream_and_costs_no_memory) {
  const auto peer = begin();
  peer->send(kStreamHead + chunk(kStart));
  ASSERT_TRUE(client.wait_for(kStart));
  const std::size_t before = resident_bytes(fixture.proxy().pid());
  const std::string event = "event: x\ndata: {\"x\":\"" + std::string(60'000, 'x') + "\"}\n\n";
  const std::string piece = chunk(event);
  constexpr std::size_t kMax = std::size_t{192} << 20;
  const std::size_t taken = peer->send_until_stalled(piece, kMax, milliseconds(700));
  EXPECT_LT(taken, kMax) << "the proxy reads on though nobody takes what it has read";
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), before + room_to_grow(2));
  // Once the client reads, everything comes.
  std::thread rest([&] {
    peer->send(std::string_view(piece).substr(taken % piece.size()));
    peer->send(chunk(kStop) + "0\r\n\r\n");
  });
  const Reply reply = client.read_reply();
  rest.join();
  EXPECT_TRUE(reply.complete);
  std::string all = kStart;
  for (std::size_t i = 0; i <= taken / piece.size(); ++i) all += event;
  EXPECT_TRUE(reply.body == all + kStop) << reply.body.size();
}

TEST_P(Streamed, many_streams_run_side_by_side) {
  constexpr int kMany = 60;
  std::vector<std::unique_ptr<RawClient>> clients, peers;
  for (int i = 0; i < kMany; ++i) {
    clients.push_back(std::make_unique<RawClient>(fixture.port()));
    const std::string body = R"({"stream":true,"n":")" + std::to_string(i) + "\"}";
    clients.back()->send(request("POST", "/v1/messages", body, kFields));
    peers.push_back(upstream.accept());
    ASSERT_TRUE(peers.back() && peers.back()->wait_for(body)) << i;
    peers.back()->send(kStreamHead + chunk("data: " + std::to_string(i) + "\n\n"));
  }
  for (int i = kMany; i-- > 0;) {
    const std::string event = "data: " + std::to_string(i) + "\n\n";
    ASSERT_TRUE(clients[static_cast<std::size_t>(i)]->wait_for(event)) << i;
    peers[static_cast<std::size_t>(i)]->send(chunk(kStop) + "0\r\n\r\n");
    const Reply reply = clients[static_cast<std::size_t>(i)]->read_reply();
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(reply.body, event + kStop);
  }
}

}  // namespace
}  // namespace ccproxy::test
