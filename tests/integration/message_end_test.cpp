// How a forwarded message ends: nothing is added after its end, whatever the connection does then;
// a stream that ends before message_start is no message; an error whose body breaks off keeps its
// status; and the report of a break is always an event of its own.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/coding.hpp"
#include "support/responses.hpp"
#include "support/text.hpp"

namespace ccproxy::test {
namespace {

constexpr const char* kError =
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
    "\"message\":\"Busy\"}}\n\n";

std::string with_line_ends(std::string text, const std::string& end) {
  replace_all(text, "\n", end);
  return text;
}

// What the upstream's connection does after the bytes of the message.
enum class Aftermath { kEndInOrder, kClose, kReset, kGarbage, kNothing };
constexpr Aftermath kAftermaths[] = {Aftermath::kEndInOrder, Aftermath::kClose, Aftermath::kReset,
                                     Aftermath::kGarbage, Aftermath::kNothing};

void go_on(RawClient& peer, Aftermath aftermath) {
  switch (aftermath) {
    case Aftermath::kEndInOrder: peer.send("0\r\n\r\n"); break;
    case Aftermath::kClose: peer.close(); break;
    case Aftermath::kReset: peer.reset(); break;
    case Aftermath::kGarbage: peer.send("no chunk\r\n"); break;
    case Aftermath::kNothing: break;
  }
}

class MessageEnd : public testing::TestWithParam<unsigned> {
 protected:
  // Sends a message and returns the upstream's side of its connection.
  std::unique_ptr<RawClient> begin(RawClient& client, const char* body = kStreamedBody) {
    auto peer = start_message(client, upstream, body);
    EXPECT_TRUE(peer);
    return peer;
  }
  // Returns the reply to a stream of `sent`. The client has received all of it before the upstream
  // goes on.
  Reply reply_to(RawClient& client, const std::string& sent, Aftermath aftermath) {
    const auto peer = begin(client);
    if (!peer) return {};
    peer->send(kEventStreamHead + (sent.empty() ? "" : chunked(sent)));
    EXPECT_TRUE(client.wait_for("\r\n\r\n" + (sent.empty() ? "" : chunked(sent)))) << sent;
    go_on(*peer, aftermath);
    Reply reply = client.read_reply();
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_TRUE(reply.complete) << reply.raw;
    client.send(request("GET", "/health"));
    EXPECT_EQ(client.read_reply().status, 200) << "the connection carries the next request";
    return reply;
  }

  RawUpstream upstream;
  ProxyFixture fixture{
      Plan{.workers = GetParam(),
           .config = R"({"timeouts":{"idleUpstreamSeconds":1},"upstream":{"maxRetries":0}})",
           .upstream = upstream.url()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, MessageEnd, testing::Values(1U, 2U));

TEST_P(MessageEnd, nothing_is_added_after_a_message_or_an_error_event) {
  std::size_t receipts = 0;
  for (const char* end : {kMessageStop, kError})
    for (const char* line_end : {"\n", "\r\n", "\r"})
      for (const Aftermath aftermath : kAftermaths) {
        const std::string sent = with_line_ends(std::string(kMessageStart) + end, line_end);
        SCOPED_TRACE(testing::Message() << sent << static_cast<int>(aftermath));
        RawClient client(fixture.port());
        const Reply reply = reply_to(client, sent, aftermath);
        EXPECT_EQ(reply.body, sent);
        receipts += 2;
        EXPECT_EQ(fixture.receipts(receipts)[receipts - 2]["ended"], "complete");
      }
}

TEST_P(MessageEnd, counts_without_its_blank_line) {
  for (const char* end : {kMessageStop, kError})
    for (const auto& [missing, border] : {std::pair{1, "\n"}, std::pair{2, "\n\n"}})
      for (const Aftermath aftermath : kAftermaths) {
        const std::string whole = std::string(kMessageStart) + end;
        const std::string sent = whole.substr(0, whole.size() - static_cast<std::size_t>(missing));
        SCOPED_TRACE(testing::Message() << sent << static_cast<int>(aftermath));
        RawClient client(fixture.port());
        EXPECT_EQ(reply_to(client, sent, aftermath).body, sent + border);
      }
}

TEST_P(MessageEnd, does_not_count_when_it_is_incomplete) {
  for (const char* cut : {"event: message_stop\n", "event: message_stop\ndata: {\"type\":\"mess",
                          "event: error\ndata: {\"type\":\"error\",\"error\":{"})
    for (const Aftermath aftermath : {Aftermath::kEndInOrder, Aftermath::kClose}) {
      SCOPED_TRACE(cut);
      RawClient client(fixture.port());
      const Reply reply = reply_to(client, std::string(kMessageStart) + cut, aftermath);
      EXPECT_EQ(count_in(reply.body, kConnectionLost), 1U) << reply.body;
    }
}

// The server shuts down after message_stop, while the upstream keeps the connection open.
TEST_P(MessageEnd, nothing_is_added_by_a_shutdown) {
  ProxyFixture ending(Plan{.workers = GetParam(),
                           .config = R"({"server":{"shutdownGraceSeconds":0}})",
                           .upstream = upstream.url()});
  RawClient client(ending.port());
  const auto peer = begin(client);
  ASSERT_TRUE(peer);
  const std::string sent = std::string(kMessageStart) + kMessageStop;
  peer->send(kEventStreamHead + chunked(sent));
  ASSERT_TRUE(client.wait_for(kMessageStop));
  ending.proxy().signal(SIGTERM);
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete) << reply.raw;
  EXPECT_EQ(reply.body, sent);
  EXPECT_EQ(ending.proxy().wait_exit(), 0);
}

TEST_P(MessageEnd, before_message_start_is_a_502) {
  for (const std::string& sent :
       {std::string(), std::string(": only a comment\n\n"),
        std::string("event: ping\ndata: {\"type\":\"ping\"}\n\n"), std::string("no events at all"),
        std::string("event: message_start\ndata: {\"type\":\"message_sta"),
        std::string("event: message_start\ndata: {\"type\":\"message_start\"}\n")}) {
    SCOPED_TRACE(sent);
    RawClient client(fixture.port());
    const auto peer = begin(client);
    ASSERT_TRUE(peer);
    // One write for all, so that nothing is forwarded before the end is known.
    peer->send(kEventStreamHead + (sent.empty() ? "" : chunked(sent)) + "0\r\n\r\n");
    const Reply reply = client.read_reply();
    EXPECT_EQ(reply.status, 502) << reply.raw;
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(reply.field("content-type"), "application/json");
    EXPECT_NE(reply.body.find(kConnectionLost), std::string::npos) << reply.body;
    client.send(request("GET", "/health"));
    EXPECT_EQ(client.read_reply().status, 200);
  }
}

TEST_P(MessageEnd, stream_without_message_start_ends_with_one_error_event) {
  for (const std::string& sent :
       {std::string(), std::string(": only a comment\n\n"),
        std::string("event: ping\ndata: {\"type\":\"ping\"}\n\n"),
        std::string("event: message_start\ndata: {\"type\":\"message_sta"),
        std::string("event: message_start\r\ndata: {\"type\":\"message_start\"}\r\n\r")})
    for (const Aftermath aftermath : kAftermaths) {
      SCOPED_TRACE(testing::Message() << sent << static_cast<int>(aftermath));
      RawClient client(fixture.port());
      const Reply reply = reply_to(client, sent, aftermath);
      EXPECT_TRUE(reply.body.starts_with(sent)) << reply.body;
      EXPECT_EQ(count_in(reply.body, "event: error\n"), 1U) << reply.body;
      EXPECT_EQ(count_in(reply.body, kConnectionLost), 1U) << reply.body;
    }
}

// An error event cannot be written into a compressed stream, and the stream must not look complete.
TEST_P(MessageEnd, compressed_stream_without_its_end_is_cut) {
  const std::string coded = http::gzip(kMessageStart), first = coded.substr(0, 10);
  const std::string rest = coded.substr(first.size());
  for (const bool has_length : {false, true}) {
    SCOPED_TRACE(has_length);
    RawClient client(fixture.port());
    const auto peer = begin(client);
    ASSERT_TRUE(peer);
    peer->send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n" +
               (has_length ? "content-length: " + std::to_string(coded.size()) + "\r\n\r\n" + first
                           : "transfer-encoding: chunked\r\n\r\n" + chunked(first)));
    ASSERT_TRUE(client.wait_for(first));
    peer->send(has_length ? rest : chunked(rest) + "0\r\n\r\n");
    EXPECT_FALSE(client.read_reply().complete);
    EXPECT_TRUE(client.wait_closed());
  }
}

// A stream that is no message is complete when it ends in order.
TEST_P(MessageEnd, other_streams_need_no_message) {
  RawClient client(fixture.port());
  client.send(request("GET", "/v1/sessions/s/stream", {}, kAnthropicFields));
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("/v1/sessions"));
  peer->send(kEventStreamHead + chunked("data: 1\n\n") + "0\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.body, "data: 1\n\n");
}

struct Cut {
  const char* name;
  std::string framing;  // and what follows the head
  Aftermath aftermath;
};

std::vector<Cut> cuts() {
  const std::string half = R"({"type":"error","error":{"type":"rate_limit_error","mess)";
  const std::string whole = R"({"type":"error","error":{"type":"x_error","message":"Slow down"}})";
  return {
      {"shorter than its length", "content-length: 999\r\n\r\n" + half, Aftermath::kClose},
      {"in the middle of a chunk", "transfer-encoding: chunked\r\n\r\n99\r\n" + half,
       Aftermath::kReset},
      {"no chunk behind a chunk",
       "transfer-encoding: chunked\r\n\r\n" + chunked(half) + "no chunk\r\n", Aftermath::kNothing},
      {"it stalls", "content-length: 999\r\n\r\n" + half, Aftermath::kNothing},
      {"it stalls before its first byte", "content-length: 999\r\n\r\n", Aftermath::kNothing},
      {"the last chunk is missing", "transfer-encoding: chunked\r\n\r\n" + chunked(whole),
       Aftermath::kClose}};
}

TEST_P(MessageEnd, error_with_a_truncated_body_keeps_its_status) {
  for (const auto& [status, type] :
       {std::pair{400, "invalid_request_error"}, std::pair{404, "not_found_error"},
        std::pair{429, "rate_limit_error"}, std::pair{500, "api_error"},
        std::pair{529, "overloaded_error"}})
    for (const Cut& cut : cuts()) {
      SCOPED_TRACE(testing::Message() << status << ": " << cut.name);
      RawClient client(fixture.port());
      const auto peer = begin(client, kWholeBody);
      ASSERT_TRUE(peer);
      peer->send("HTTP/1.1 " + std::to_string(status) +
                 " X\r\ncontent-type: text/plain\r\ncontent-language: en\r\netag: \"x\"\r\n"
                 "request-id: req_theirs\r\nretry-after: 7\r\n" +
                 cut.framing);
      if (cut.aftermath != Aftermath::kReset) go_on(*peer, cut.aftermath);
      if (cut.aftermath == Aftermath::kReset) peer->close();
      const Reply reply = client.read_reply();
      EXPECT_EQ(reply.status, status) << reply.raw;
      EXPECT_TRUE(reply.complete) << reply.raw;
      EXPECT_EQ(reply.field("content-type"), "application/json");
      EXPECT_FALSE(reply.has("content-language"));
      EXPECT_FALSE(reply.has("etag"));
      EXPECT_EQ(reply.field("request-id"), "req_theirs");
      EXPECT_EQ(reply.field("retry-after"), "7");
      const Document body = Document::parse(reply.body, nullptr, false);
      ASSERT_TRUE(body.is_object()) << reply.body;
      EXPECT_EQ(body["type"], "error");
      EXPECT_EQ(body["request_id"], "req_theirs");
      const std::string message = body["error"]["message"];
      EXPECT_TRUE(message.starts_with("connection lost: the upstream's error did not come whole"))
          << message;
      const bool was_readable = cut.framing.find("Slow down") != std::string::npos;
      EXPECT_EQ(message.find("Slow down") != std::string::npos, was_readable) << message;
      if (!was_readable && cut.framing.find("rate_limit_error") == std::string::npos) {
        EXPECT_EQ(body["error"]["type"], type);
      }
      client.send(request("GET", "/health"));
      EXPECT_EQ(client.read_reply().status, 200);
    }
}

TEST_P(MessageEnd, large_error_is_cut_where_it_breaks_off) {
  RawClient client(fixture.port());
  const auto peer = begin(client, kWholeBody);
  ASSERT_TRUE(peer);
  const std::string sent(100'000, 'x');
  peer->send("HTTP/1.1 500 X\r\ncontent-length: 200000\r\n\r\n" + sent);
  ASSERT_TRUE(client.wait_for("xxx"));
  peer->close();
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 500);
  EXPECT_FALSE(reply.complete);
  EXPECT_TRUE(client.wait_closed());
}

// The other dialects need the whole error, too.
TEST_P(MessageEnd, translated_error_with_a_truncated_body_keeps_its_status) {
  struct Request {
    const char* target;
    std::string body;
  };
  for (const Request& row : {Request{kChat, chat_body().dump()},
                             Request{kResponses, response_body({{"stream", true}}).dump()}})
    for (const auto& [theirs, ours] :
         {std::pair{400, 400}, std::pair{429, 429}, std::pair{529, 503}})
      for (const Cut& cut : cuts()) {
        SCOPED_TRACE(testing::Message() << row.target << ", " << theirs << ": " << cut.name);
        RawClient client(fixture.port());
        client.send(request("POST", row.target, row.body, kOpenAiFields));
        const auto peer = next_message(upstream);
        ASSERT_TRUE(peer);
        peer->send("HTTP/1.1 " + std::to_string(theirs) + " X\r\n" + cut.framing);
        if (cut.aftermath != Aftermath::kNothing) peer->close();
        const Reply reply = client.read_reply();
        EXPECT_EQ(reply.status, ours) << reply.raw;
        EXPECT_NE(reply.body.find(kConnectionLost), std::string::npos) << reply.body;
      }
}

// An upstream that sends a byte every 20 ms, for as long as they are accepted.
class Dripping {
 public:
  explicit Dripping(RawClient& peer)
      : drip_([&peer] {
          while (peer.send(" ")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }) {}
  Dripping(const Dripping&) = delete;
  Dripping& operator=(const Dripping&) = delete;
  Dripping(Dripping&&) = delete;
  Dripping& operator=(Dripping&&) = delete;
  ~Dripping() { drip_.join(); }

 private:
  std::thread drip_;
};

// Before, only a pause had a limit: each byte renewed it, for hours.
TEST_P(MessageEnd, buffered_body_has_one_deadline) {
  struct Row {
    const char *name, *target;
    std::string body;
    const char* head;
    int status;
  };
  const char* const kMissing = "HTTP/1.1 404 X\r\ncontent-length: 60000\r\n\r\n";
  const char* const kNoStream =
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n";
  const std::vector<Row> rows = {
      {"an error that passes", "/v1/messages", kWholeBody, kMissing, 404},
      {"an error of another route", "/v1/messages/count_tokens", kWholeBody, kMissing, 404},
      {"a translated error", kChat, chat_body().dump(), kMissing, 404},
      {"of a stream", kResponses, response_body({{"stream", true}}).dump(), kMissing, 404},
      {"what is no stream", kChat, chat_body().dump(), kNoStream, 504},
      {"in place of one", kResponses, response_body({{"stream", true}}).dump(), kNoStream, 504},
      {"a count of tokens", "/v1/responses/input_tokens", response_body().dump(), kNoStream, 504}};
  for (const char* key : {"firstByteSeconds", "idleUpstreamSeconds"}) {
    ProxyFixture hasty(Plan{
        .workers = GetParam(),
        .config = std::string(R"({"timeouts":{")") + key + R"(":1},"upstream":{"maxRetries":0}})",
        .upstream = upstream.url()});
    for (const Row& row : rows) {
      SCOPED_TRACE(testing::Message() << row.name << ", " << key);
      RawClient client(hasty.port());
      const bool is_translated = !std::string_view(row.target).starts_with("/v1/messages");
      client.send(
          request("POST", row.target, row.body, is_translated ? kOpenAiFields : kAnthropicFields));
      const auto peer = upstream.accept();
      ASSERT_TRUE(peer && peer->wait_for("\r\n\r\n"));
      peer->send(row.head);
      const Dripping dripping(*peer);
      const Reply reply = client.read_reply();
      EXPECT_EQ(reply.status, row.status) << reply.raw;
      EXPECT_TRUE(reply.complete) << reply.raw;
      EXPECT_NE(reply.body.find(kConnectionLost), std::string::npos) << reply.body;
      EXPECT_NE(reply.body.find(std::string("was not whole after 1 s (timeouts.") + key),
                std::string::npos)
          << reply.body;
      client.close();
    }
  }
}

}  // namespace
}  // namespace ccproxy::test
