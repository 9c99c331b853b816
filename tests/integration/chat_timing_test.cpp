// The timing of a chat stream: when its head is sent, what fills silence, and what happens when one
// side leaves. The test itself is the upstream, so that it knows what was sent before the next
// event.
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

constexpr milliseconds kPause{250};

class ChatTiming : public testing::TestWithParam<unsigned> {
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
INSTANTIATE_TEST_SUITE_P(Workers, ChatTiming, testing::Values(1U, 2U));

TEST_P(ChatTiming, sends_nothing_before_the_first_block) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(message_start_event()) + chunked(kPing));
  EXPECT_FALSE(client.wait_for("HTTP/1.1", kPause)) << "the reply may still become an error";
  peer->send(chunked(text_start_event()));
  EXPECT_TRUE(client.wait_for("\"role\":\"assistant\""));
  EXPECT_EQ(client.pending().find("keepalive"), std::string::npos)
      << "a ping before the first block";
  peer->send(chunked(text_event("Hi") + stop_events()) + "0\r\n\r\n");
  EXPECT_EQ(read_chunks(client.read_reply().body).text(), "Hi");
}

TEST_P(ChatTiming, sends_the_head_two_seconds_after_message_start) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(message_start_event()));
  const auto began = steady_clock::now();
  EXPECT_FALSE(client.wait_for("HTTP/1.1", milliseconds(1500)));
  EXPECT_TRUE(client.wait_for("\"role\":\"assistant\"", milliseconds(3000)));
  EXPECT_GE(steady_clock::now() - began, milliseconds(1900));
  EXPECT_EQ(client.pending().find("keepalive"), std::string::npos) << "the head is sign enough";
  peer->send(chunked(sse({{"type", "error"},
                          {"error", {{"type", "overloaded_error"}, {"message", "Overloaded"}}}})) +
             "0\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_EQ(read_chunks(reply.body).error()["code"], "overloaded");
  EXPECT_TRUE(reply.field("x-request-id").starts_with("ccp_")) << "the upstream named none";
}

TEST_P(ChatTiming, sends_each_delta_at_once) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(message_start_event() + text_start_event()));
  for (int i = 0; i < 50; ++i) {
    const std::string word = "word" + std::to_string(i) + ";";
    peer->send(chunked(text_event(word)));
    ASSERT_TRUE(client.wait_for(word)) << i;
  }
  peer->send(chunked(stop_events()) + "0\r\n\r\n");
  EXPECT_TRUE(client.read_reply().complete);
}

TEST_P(ChatTiming, fills_silence_with_comments_between_events_p74_c34) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(message_start_event() + text_start_event()));
  const std::string event = text_event("half");
  peer->send(chunked(std::string_view(event).substr(0, 20)));  // the silence begins inside an event
  std::this_thread::sleep_for(milliseconds(2600));
  peer->send(chunked(std::string_view(event).substr(20)));
  std::this_thread::sleep_for(milliseconds(1300));
  peer->send(chunked(stop_events()) + "0\r\n\r\n");
  const Reply reply = client.read_reply();
  const ChatStream read = read_chunks(reply.body);
  EXPECT_GE(read.comments, 3);
  EXPECT_LE(read.comments, 5);
  EXPECT_EQ(read.unexpected_lines, "");
  EXPECT_EQ(read.text(), "half");
  EXPECT_EQ(read.done, 1);
  EXPECT_NE(reply.body.find("\n\n: keepalive\n\n"), std::string::npos);
}

TEST_P(ChatTiming, turns_pings_into_comments) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(message_start_event() + text_start_event()));
  ASSERT_TRUE(client.wait_for("assistant"));
  peer->send(chunked(kPing));
  EXPECT_TRUE(client.wait_for(": keepalive\n\n", milliseconds(500)));
  peer->send(chunked(stop_events()) + "0\r\n\r\n");
  EXPECT_TRUE(client.read_reply().complete);
}

TEST_P(ChatTiming, ends_a_stream_of_pings) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(message_start_event() + text_start_event()));
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(milliseconds(200));
    if (!peer->send(chunked(kPing))) break;
  }
  const ChatStream read = read_chunks(client.read_reply().body);
  EXPECT_EQ(read.error()["code"], "timeout");
  EXPECT_EQ(fixture.receipt()["ended"], "timed_out");
}

// The reply ends with the message, not when the upstream closes its stream.
TEST_P(ChatTiming, ends_without_waiting_for_the_upstream_to_close) {
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(message_start_event() + text_start_event() +
                                        text_event("Hi") + stop_events()));
  EXPECT_TRUE(client.wait_for("[DONE]", milliseconds(1000)));
  EXPECT_TRUE(client.read_reply().complete);
  EXPECT_TRUE(peer->wait_closed(milliseconds(1000))) << "it cannot carry another";
}

// A request that the upstream has received may be billed, so it is not sent again.
TEST_P(ChatTiming, reports_a_timeout_when_the_upstream_never_responds) {
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

// Case C36, P49: the upstream's connection closes within a second in every phase.
TEST_P(ChatTiming, closes_the_upstream_when_the_client_disconnects_p49_c36) {
  for (const int phase : {0, 1, 2}) {
    SCOPED_TRACE(phase);
    RawClient leaving(fixture.port());
    leaving.send(request("POST", kChat, chat_body({{"stream", phase > 0}}).dump(), kOpenAiFields));
    const auto peer = upstream.accept();
    ASSERT_TRUE(peer && peer->wait_for("\"messages\""));
    if (phase > 0) peer->send(kEventStreamHead + chunked(message_start_event()));
    if (phase > 1) {
      peer->send(chunked(text_start_event() + text_event("first")));
      ASSERT_TRUE(leaving.wait_for("first"));
    }
    leaving.close();
    EXPECT_TRUE(peer->wait_closed(milliseconds(1000)));
  }
  for (const Document& receipt : fixture.receipts(3)) EXPECT_EQ(receipt["ended"], "client_gone");
  const auto peer = begin();
  peer->send(
      kEventStreamHead +
      chunked(message_start_event() + text_start_event() + text_event("on") + stop_events()) +
      "0\r\n\r\n");
  EXPECT_EQ(read_chunks(client.read_reply().body).text(), "on");
}

TEST_P(ChatTiming, slow_client_slows_the_upstream) {
  client.shrink_receive_buffer();
  const auto peer = begin();
  peer->send(kEventStreamHead + chunked(message_start_event() + text_start_event()));
  const std::string piece = chunked(text_event(std::string(60'000, 'x')));
  const std::size_t max_bytes = std::size_t{256} << 20;
  const std::size_t taken = peer->send_until_stalled(piece, max_bytes, milliseconds(1500));
  EXPECT_LT(taken, max_bytes) << "the proxy takes all and keeps it";
  EXPECT_LT(resident_bytes(fixture.proxy().pid()), allowed_growth(64));
}

TEST_P(ChatTiming, shutdown_ends_streams_with_an_error) {
  ProxyFixture ending(Plan{.workers = GetParam(),
                           .config = R"({"server":{"shutdownGraceSeconds":1}})",
                           .upstream = upstream.url()});
  RawClient listener(ending.port());
  listener.send(request("POST", kChat, chat_body({{"stream", true}}).dump(), kOpenAiFields));
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("\"messages\""));
  peer->send(kEventStreamHead +
             chunked(message_start_event() + text_start_event() + text_event("Hi")));
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
