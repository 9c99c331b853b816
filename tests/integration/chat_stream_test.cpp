// The time of a chat stream: when its head leaves, what fills silence, what happens when one side
// leaves. The upstream is the test itself, so that "before the next was sent" is a fact.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "support/chat.hpp"
#include "support/raw_upstream.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
constexpr const char* kPing = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
constexpr milliseconds kPause{250};

std::string chunk(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return std::string(size).append(bytes).append("\r\n");
}

class ChatTime : public testing::TestWithParam<unsigned> {
 protected:
  std::unique_ptr<RawClient> begin(const Document& more = {{"stream", true}}) {
    const std::string body = chat_body(more).dump();
    client.send(request("POST", kChat, body, kOpenAiFields));
    auto peer = upstream.accept();
    EXPECT_TRUE(peer && peer->wait_for("\"messages\""));
    return peer;
  }

  RawUpstream upstream;
  ProxyFixture fixture{
      Plan{.workers = GetParam(),
           .config = R"({"timeouts":{"sseKeepAliveSeconds":1,"pingOnlySeconds":3}})",
           .upstream = upstream.url()}};
  RawClient client{fixture.port()};
};
INSTANTIATE_TEST_SUITE_P(Workers, ChatTime, testing::Values(1U, 2U));

TEST_P(ChatTime, nothing_leaves_before_there_is_an_answer) {
  const auto peer = begin();
  peer->send(kStreamHead + chunk(message_start_event()) + chunk(kPing));
  EXPECT_FALSE(client.wait_for("HTTP/1.1", kPause)) << "the answer may still become an error";
  peer->send(chunk(text_start_event()));
  EXPECT_TRUE(client.wait_for("\"role\":\"assistant\""));
  EXPECT_EQ(client.pending().find("keepalive"), std::string::npos) << "a ping before the answer";
  peer->send(chunk(text_event("Hi") + stop_events()) + "0\r\n\r\n");
  EXPECT_EQ(read_chunks(client.read_reply().body).text(), "Hi");
}

TEST_P(ChatTime, the_head_leaves_two_seconds_after_the_message_began) {
  const auto peer = begin();
  peer->send(kStreamHead + chunk(message_start_event()));
  const auto began = steady_clock::now();
  EXPECT_FALSE(client.wait_for("HTTP/1.1", milliseconds(1500)));
  EXPECT_TRUE(client.wait_for("\"role\":\"assistant\"", milliseconds(3000)));
  EXPECT_GE(steady_clock::now() - began, milliseconds(1900));
  EXPECT_EQ(client.pending().find("keepalive"), std::string::npos) << "the head is sign enough";
  peer->send(chunk(sse({{"type", "error"},
                        {"error", {{"type", "overloaded_error"}, {"message", "Overloaded"}}}})) +
             "0\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_EQ(read_chunks(reply.body).error()["code"], "overloaded");
  EXPECT_TRUE(reply.field("x-request-id").starts_with("ccp_")) << "the upstream named none";
}

TEST_P(ChatTime, each_piece_arrives_before_the_next_is_sent) {
  const auto peer = begin();
  peer->send(kStreamHead + chunk(message_start_event() + text_start_event()));
  for (int i = 0; i < 50; ++i) {
    const std::string word = "word" + std::to_string(i) + ";";
    peer->send(chunk(text_event(word)));
    ASSERT_TRUE(client.wait_for(word)) << i;
  }
  peer->send(chunk(stop_events()) + "0\r\n\r\n");
  EXPECT_TRUE(client.read_reply().complete);
}

// Case C34, P74.
TEST_P(ChatTime, p74_c34_silence_is_filled_with_comments_between_events) {
  const auto peer = begin();
  peer->send(kStreamHead + chunk(message_start_event() + text_start_event()));
  const std::string event = text_event("half");
  peer->send(chunk(std::string_view(event).substr(0, 20)));  // silence inside an event, too
  std::this_thread::sleep_for(milliseconds(2600));
  peer->send(chunk(std::string_view(event).substr(20)));
  std::this_thread::sleep_for(milliseconds(1300));
  peer->send(chunk(stop_events()) + "0\r\n\r\n");
  const Reply reply = client.read_reply();
  const ChatStream read = read_chunks(reply.body);
  EXPECT_GE(read.comments, 3);
  EXPECT_LE(read.comments, 5);
  EXPECT_EQ(read.strange, "");
  EXPECT_EQ(read.text(), "half");
  EXPECT_EQ(read.done, 1);
  EXPECT_NE(reply.body.find("\n\n: keepalive\n\n"), std::string::npos);
}

TEST_P(ChatTime, upstreams_pings_become_comments) {
  const auto peer = begin();
  peer->send(kStreamHead + chunk(message_start_event() + text_start_event()));
  ASSERT_TRUE(client.wait_for("assistant"));
  peer->send(chunk(kPing));
  EXPECT_TRUE(client.wait_for(": keepalive\n\n", milliseconds(500)));
  peer->send(chunk(stop_events()) + "0\r\n\r\n");
  EXPECT_TRUE(client.read_reply().complete);
}

TEST_P(ChatTime, a_stream_of_nothing_but_pings_is_ended) {
  const auto peer = begin();
  peer->send(kStreamHead + chunk(message_start_event() + text_start_event()));
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(milliseconds(200));
    if (!peer->send(chunk(kPing))) break;
  }
  const ChatStream read = read_chunks(client.read_reply().body);
  EXPECT_EQ(read.error()["code"], "timeout");
  EXPECT_EQ(fixture.receipt()["ended"], "timed_out");
}

// The end is told when it is known, not when the upstream closes its stream.
TEST_P(ChatTime, the_end_does_not_wait_for_an_upstream_that_lingers) {
  const auto peer = begin();
  peer->send(kStreamHead +
             chunk(message_start_event() + text_start_event() + text_event("Hi") + stop_events()));
  EXPECT_TRUE(client.wait_for("[DONE]", milliseconds(1000)));
  EXPECT_TRUE(client.read_reply().complete);
  EXPECT_TRUE(peer->wait_closed(milliseconds(1000))) << "it cannot carry another";
}

// A request that the upstream has taken may be billed: it is not sent again.
TEST_P(ChatTime, a_request_that_was_sent_and_never_answered_is_told_as_late) {
  ProxyFixture late(Plan{.workers = GetParam(),
                         .config = R"({"timeouts":{"firstByteSeconds":1}})",
                         .upstream = upstream.url()});
  RawClient waiting(late.port());
  waiting.send(request("POST", kChat, chat_body().dump(), kOpenAiFields));
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("\"messages\""));
  const Reply reply = waiting.read_reply();
  EXPECT_EQ(reply.status, 504);
  EXPECT_EQ(Document::parse(reply.body)["error"]["code"], "timeout");
  EXPECT_EQ(late.receipt().value("retries", 0), 0);
}

// Case C36, P49: in every phase, within a second.
TEST_P(ChatTime, p49_c36_a_client_that_leaves_takes_the_upstream_with_it) {
  for (const int phase : {0, 1, 2}) {
    SCOPED_TRACE(phase);
    RawClient leaving(fixture.port());
    leaving.send(request("POST", kChat, chat_body({{"stream", phase > 0}}).dump(), kOpenAiFields));
    const auto peer = upstream.accept();
    ASSERT_TRUE(peer && peer->wait_for("\"messages\""));
    if (phase > 0) peer->send(kStreamHead + chunk(message_start_event()));
    if (phase > 1) {
      peer->send(chunk(text_start_event() + text_event("first")));
      ASSERT_TRUE(leaving.wait_for("first"));
    }
    leaving.close();
    EXPECT_TRUE(peer->wait_closed(milliseconds(1000)));
  }
  for (const Document& receipt : fixture.receipts(3)) EXPECT_EQ(receipt["ended"], "client_gone");
  const auto peer = begin();
  peer->send(kStreamHead +
             chunk(message_start_event() + text_start_event() + text_event("on") + stop_events()) +
             "0\r\n\r\n");
  EXPECT_EQ(read_chunks(client.read_reply().body).text(), "on");
}

TEST_P(ChatTime, a_slow_client_slows_the_upstream) {
  client.shrink_receive_buffer();
  const auto peer = begin();
  peer->send(kStreamHead + chunk(message_start_event() + text_start_event()));
  const std::string piece = chunk(text_event(std::string(60'000, 'x')));
  const std::size_t most = std::size_t{256} << 20;
  const std::size_t taken = peer->send_until_stalled(piece, most, milliseconds(1500));
  EXPECT_LT(taken, most) << "the proxy takes all and keeps it";
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), room_to_grow(64));
}

TEST_P(ChatTime, a_server_that_ends_tells_its_streams) {
  ProxyFixture ending(Plan{.workers = GetParam(),
                           .config = R"({"server":{"shutdownGraceSeconds":1}})",
                           .upstream = upstream.url()});
  RawClient listener(ending.port());
  listener.send(request("POST", kChat, chat_body({{"stream", true}}).dump(), kOpenAiFields));
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("\"messages\""));
  peer->send(kStreamHead + chunk(message_start_event() + text_start_event() + text_event("Hi")));
  ASSERT_TRUE(listener.wait_for("\"Hi\""));
  ending.proxy().signal(15);
  const Reply reply = listener.read_reply();
  EXPECT_TRUE(reply.complete);
  const ChatStream read = read_chunks(reply.body);
  EXPECT_EQ(read.error()["type"], "server_error");
  EXPECT_EQ(read.done, 0);
  EXPECT_EQ(ending.proxy().wait_exit(), 0);
}

}  // namespace
}  // namespace ccproxy::test
