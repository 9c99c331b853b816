// How a message that passes through ends: behind its end nothing is added, whatever the connection
// then does; what ends before its beginning is no message; an error whose body breaks off keeps its
// status; and what is told of a break is always an event of its own.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/coding.hpp"
#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

constexpr const char* kStart =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";
constexpr const char* kStop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
constexpr const char* kError =
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
    "\"message\":\"Busy\"}}\n\n";
constexpr const char* kLost = "\"message\":\"connection lost: ";

std::string with_line_ends(std::string text, const std::string& end) {
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + end.size()))
    text.replace(at, 1, end);
  return text;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

// What the upstream's connection does behind the bytes that have come.
enum class Then { kEndInOrder, kClose, kReset, kGarbage, kNothing };
constexpr Then kAll[] = {Then::kEndInOrder, Then::kClose, Then::kReset, Then::kGarbage,
                         Then::kNothing};

void go_on(RawClient& peer, Then how) {
  switch (how) {
    case Then::kEndInOrder: peer.send("0\r\n\r\n"); break;
    case Then::kClose: peer.close(); break;
    case Then::kReset: peer.reset(); break;
    case Then::kGarbage: peer.send("no chunk\r\n"); break;
    case Then::kNothing: break;
  }
}

class MessageEnds : public testing::TestWithParam<unsigned> {
 protected:
  // Sends the message and takes it at the upstream.
  std::unique_ptr<RawClient> begin(RawClient& client, const char* body = kStreamed) {
    client.send(request("POST", "/v1/messages", body, kFields));
    auto peer = upstream.accept();
    EXPECT_TRUE(peer && peer->wait_for(body));
    return peer;
  }
  // The reply to a stream that brought `sent`, seen by the client, before its connection went on.
  Reply reply_to(RawClient& client, const std::string& sent, Then how) {
    const auto peer = begin(client);
    if (!peer) return {};
    peer->send(kEventStreamHead + (sent.empty() ? "" : chunked(sent)));
    EXPECT_TRUE(client.wait_for("\r\n\r\n" + (sent.empty() ? "" : chunked(sent)))) << sent;
    go_on(*peer, how);
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
INSTANTIATE_TEST_SUITE_P(Workers, MessageEnds, testing::Values(1U, 2U));

TEST_P(MessageEnds, nothing_is_added_behind_the_end_of_a_message_or_an_error_event) {
  std::size_t receipts = 0;
  for (const char* end : {kStop, kError})
    for (const char* line_end : {"\n", "\r\n", "\r"})
      for (const Then how : kAll) {
        const std::string sent = with_line_ends(std::string(kStart) + end, line_end);
        SCOPED_TRACE(testing::Message() << sent << static_cast<int>(how));
        RawClient client(fixture.port());
        const Reply reply = reply_to(client, sent, how);
        EXPECT_EQ(reply.body, sent);
        receipts += 2;
        EXPECT_EQ(fixture.receipts(receipts)[receipts - 2]["ended"], "complete");
      }
}

TEST_P(MessageEnds, an_end_that_lacks_only_its_blank_line_is_one) {
  for (const char* end : {kStop, kError})
    for (const auto& [missing, border] : {std::pair{1, "\n"}, std::pair{2, "\n\n"}})
      for (const Then how : kAll) {
        const std::string whole = std::string(kStart) + end;
        const std::string sent = whole.substr(0, whole.size() - static_cast<std::size_t>(missing));
        SCOPED_TRACE(testing::Message() << sent << static_cast<int>(how));
        RawClient client(fixture.port());
        EXPECT_EQ(reply_to(client, sent, how).body, sent + border);
      }
}

TEST_P(MessageEnds, an_end_or_an_error_event_that_is_not_whole_is_none) {
  for (const char* cut : {"event: message_stop\n", "event: message_stop\ndata: {\"type\":\"mess",
                          "event: error\ndata: {\"type\":\"error\",\"error\":{"})
    for (const Then how : {Then::kEndInOrder, Then::kClose}) {
      SCOPED_TRACE(cut);
      RawClient client(fixture.port());
      const Reply reply = reply_to(client, std::string(kStart) + cut, how);
      EXPECT_EQ(count(reply.body, kLost), 1U) << reply.body;
    }
}

// The server ends while the upstream has told all and keeps its connection open.
TEST_P(MessageEnds, nothing_is_added_by_a_server_that_ends) {
  ProxyFixture ending(Plan{.workers = GetParam(),
                           .config = R"({"server":{"shutdownGraceSeconds":0}})",
                           .upstream = upstream.url()});
  RawClient client(ending.port());
  const auto peer = begin(client);
  ASSERT_TRUE(peer);
  const std::string sent = std::string(kStart) + kStop;
  peer->send(kEventStreamHead + chunked(sent));
  ASSERT_TRUE(client.wait_for(kStop));
  ending.proxy().signal(SIGTERM);
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete) << reply.raw;
  EXPECT_EQ(reply.body, sent);
  EXPECT_EQ(ending.proxy().wait_exit(), 0);
}

TEST_P(MessageEnds, what_ends_before_a_message_began_is_a_502) {
  for (const std::string& sent :
       {std::string(), std::string(": only a comment\n\n"),
        std::string("event: ping\ndata: {\"type\":\"ping\"}\n\n"), std::string("no events at all"),
        std::string("event: message_start\ndata: {\"type\":\"message_sta"),
        std::string("event: message_start\ndata: {\"type\":\"message_start\"}\n")}) {
    SCOPED_TRACE(sent);
    RawClient client(fixture.port());
    const auto peer = begin(client);
    ASSERT_TRUE(peer);
    // In one write, so that nothing of it has left when its end is known.
    peer->send(kEventStreamHead + (sent.empty() ? "" : chunked(sent)) + "0\r\n\r\n");
    const Reply reply = client.read_reply();
    EXPECT_EQ(reply.status, 502) << reply.raw;
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(reply.field("content-type"), "application/json");
    EXPECT_NE(reply.body.find(kLost), std::string::npos) << reply.body;
    client.send(request("GET", "/health"));
    EXPECT_EQ(client.read_reply().status, 200);
  }
}

TEST_P(MessageEnds, what_has_left_before_a_message_began_ends_with_one_error_event) {
  for (const std::string& sent :
       {std::string(), std::string(": only a comment\n\n"),
        std::string("event: ping\ndata: {\"type\":\"ping\"}\n\n"),
        std::string("event: message_start\ndata: {\"type\":\"message_sta"),
        std::string("event: message_start\r\ndata: {\"type\":\"message_start\"}\r\n\r")})
    for (const Then how : kAll) {
      SCOPED_TRACE(testing::Message() << sent << static_cast<int>(how));
      RawClient client(fixture.port());
      const Reply reply = reply_to(client, sent, how);
      EXPECT_TRUE(reply.body.starts_with(sent)) << reply.body;
      EXPECT_EQ(count(reply.body, "event: error\n"), 1U) << reply.body;
      EXPECT_EQ(count(reply.body, kLost), 1U) << reply.body;
    }
}

// An event cannot be written into it, and it must not look whole.
TEST_P(MessageEnds, a_coded_stream_without_its_end_is_cut) {
  const std::string coded = http::gzip(kStart), first = coded.substr(0, 10);
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

// A stream of the provider's that is none of a message: what ends in order is whole.
TEST_P(MessageEnds, another_stream_needs_no_message_in_it) {
  RawClient client(fixture.port());
  client.send(request("GET", "/v1/sessions/s/stream", {}, kFields));
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for("/v1/sessions"));
  peer->send(kEventStreamHead + chunked("data: 1\n\n") + "0\r\n\r\n");
  const Reply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.body, "data: 1\n\n");
}

// ---- errors

struct Cut {
  const char* says;
  std::string framing;  // and what stands behind the head's end
  Then then;
};

std::vector<Cut> cuts() {
  const std::string half = R"({"type":"error","error":{"type":"rate_limit_error","mess)";
  const std::string whole = R"({"type":"error","error":{"type":"x_error","message":"Slow down"}})";
  return {
      {"shorter than its length", "content-length: 999\r\n\r\n" + half, Then::kClose},
      {"in the middle of a chunk", "transfer-encoding: chunked\r\n\r\n99\r\n" + half, Then::kReset},
      {"no chunk behind a chunk",
       "transfer-encoding: chunked\r\n\r\n" + chunked(half) + "no chunk\r\n", Then::kNothing},
      {"it stalls", "content-length: 999\r\n\r\n" + half, Then::kNothing},
      {"it stalls before its first byte", "content-length: 999\r\n\r\n", Then::kNothing},
      {"the last chunk is missing", "transfer-encoding: chunked\r\n\r\n" + chunked(whole),
       Then::kClose}};
}

TEST_P(MessageEnds, an_error_whose_body_breaks_off_keeps_its_status) {
  for (const auto& [status, type] :
       {std::pair{400, "invalid_request_error"}, std::pair{404, "not_found_error"},
        std::pair{429, "rate_limit_error"}, std::pair{500, "api_error"},
        std::pair{529, "overloaded_error"}})
    for (const Cut& cut : cuts()) {
      SCOPED_TRACE(testing::Message() << status << ": " << cut.says);
      RawClient client(fixture.port());
      const auto peer = begin(client, kWhole);
      ASSERT_TRUE(peer);
      peer->send("HTTP/1.1 " + std::to_string(status) +
                 " X\r\ncontent-type: text/plain\r\ncontent-language: en\r\netag: \"x\"\r\n"
                 "request-id: req_theirs\r\nretry-after: 7\r\n" +
                 cut.framing);
      if (cut.then != Then::kReset) go_on(*peer, cut.then);
      if (cut.then == Then::kReset) peer->close();
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

TEST_P(MessageEnds, an_error_beyond_what_is_held_back_is_cut_where_it_breaks_off) {
  RawClient client(fixture.port());
  const auto peer = begin(client, kWhole);
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

// The other dialects read the error whole, too.
TEST_P(MessageEnds, a_translated_error_whose_body_breaks_off_keeps_its_status) {
  struct Asked {
    const char* target;
    std::string body;
  };
  for (const Asked& asked : {Asked{kChat, chat_body().dump()},
                             Asked{kResponses, response_body({{"stream", true}}).dump()}})
    for (const auto& [theirs, ours] :
         {std::pair{400, 400}, std::pair{429, 429}, std::pair{529, 503}})
      for (const Cut& cut : cuts()) {
        SCOPED_TRACE(testing::Message() << asked.target << ", " << theirs << ": " << cut.says);
        RawClient client(fixture.port());
        client.send(request("POST", asked.target, asked.body, kOpenAiFields));
        const auto peer = next_message(upstream);
        ASSERT_TRUE(peer);
        peer->send("HTTP/1.1 " + std::to_string(theirs) + " X\r\n" + cut.framing);
        if (cut.then != Then::kNothing) peer->close();
        const Reply reply = client.read_reply();
        EXPECT_EQ(reply.status, ours) << reply.raw;
        EXPECT_NE(reply.body.find(kLost), std::string::npos) << reply.body;
      }
}

// An upstream that sends one byte after another, for as long as anybody takes them.
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

// Only a pause was told: each byte began the time anew, for hours.
TEST_P(MessageEnds, what_drips_while_it_is_held_back_has_one_deadline) {
  struct Row {
    const char *says, *target;
    std::string body;
    const char* head;
    int status;
  };
  const char* const kMissing = "HTTP/1.1 404 X\r\ncontent-length: 60000\r\n\r\n";
  const char* const kNoStream =
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n";
  const std::vector<Row> rows = {
      {"an error that passes", "/v1/messages", kWhole, kMissing, 404},
      {"an error of another route", "/v1/messages/count_tokens", kWhole, kMissing, 404},
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
      SCOPED_TRACE(testing::Message() << row.says << ", " << key);
      RawClient client(hasty.port());
      const bool is_translated = !std::string_view(row.target).starts_with("/v1/messages");
      client.send(request("POST", row.target, row.body, is_translated ? kOpenAiFields : kFields));
      const auto peer = upstream.accept();
      ASSERT_TRUE(peer && peer->wait_for("\r\n\r\n"));
      peer->send(row.head);
      const Dripping dripping(*peer);
      const Reply reply = client.read_reply();
      EXPECT_EQ(reply.status, row.status) << reply.raw;
      EXPECT_TRUE(reply.complete) << reply.raw;
      EXPECT_NE(reply.body.find(kLost), std::string::npos) << reply.body;
      EXPECT_NE(reply.body.find(std::string("was not whole after 1 s (timeouts.") + key),
                std::string::npos)
          << reply.body;
      client.close();
    }
  }
}

}  // namespace
}  // namespace ccproxy::test
