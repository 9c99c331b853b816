#include "http/client.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/test_upstream.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::http {
namespace {

using net::sleep;
using net::TestLoop;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Case {
  const char* description;
  Reply reply;
  std::string outcome;
  bool reuses_connection = false;  // the connection serves the next request, too
};

const std::vector<Case> kResponses = {
    {"a length", {ok("hello")}, "200 hello", true},
    {"a length, byte by byte",
     {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", kPause, "h", kPause, "i"},
     "200 hi",
     true},
    {"chunks", {kChunked + "2\r\nhi\r\n0\r\n\r\n"}, "200 hi", true},
    {"chunks cut anywhere",
     {kChunked, kPause, "2", kPause, "\r\nh", kPause, "i\r", kPause, "\n0\r\n\r", kPause, "\n"},
     "200 hi",
     true},
    {"no body", {"HTTP/1.1 204 No Content\r\n\r\n"}, "204 ", true},
    {"interim responses are skipped",
     {"HTTP/1.1 100 Continue\r\n\r\n", kPause,
      "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + ok("hi")},
     "200 hi",
     true},
    {"until the connection ends", {"HTTP/1.1 200 OK\r\n\r\nhi", kPause, kClose}, "200 hi"},
    {"a connection of HTTP/1.0 is not reused",
     {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
     "200 hi"},
    {"a connection with Connection: close is not reused",
     {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"},
     "200 hi"},
    {"a connection with bytes behind the response is not reused",
     {ok("hi") + "HTTP/1.1 200 OK\r\n\r\n"},
     "200 hi"},
    {"nothing but an end", {kClose}, "closed"},
    {"nothing but a reset", {kReset}, "closed"},
    {"half a head", {"HTTP/1.1 200 O", kPause, kClose}, "closed"},
    {"a body that ends before its length",
     {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", kPause, kClose},
     "200 hibroke"},
    {"a body without its last chunk", {kChunked + "2\r\nhi\r\n", kPause, kClose}, "200 hibroke"},
    {"a reset in the body", {kChunked + "2\r\nhi\r\n", kPause, kReset}, "200 hiclosed"},
    {"a broken chunk behind a good one", {kChunked + "2\r\nhi\r\nzz\r\n"}, "200 hibroke"},
    {"switching protocols unasked",
     {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"},
     "broke"},
    {"gzip as Transfer-Encoding",
     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi"},
     "broke"},
    {"two lengths",
     {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\nhi"},
     "broke"},
    {"length and chunks",
     {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi"},
     "broke"},
    {"a fold", {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"}, "broke"},
    {"an unasked page", {"<html>\r\n\r\n"}, "broke"},
    {"a head above 64 KiB",
     {"HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n"},
     "broke"},
};

Task<void> read_both_responses(TestLoop& loop, const Case& row) {
  Upstream upstream(loop, {{row.reply, row.reply}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  const std::string first = co_await get_response(client);
  EXPECT_EQ(first, row.outcome);
  co_await sleep(loop.runtime(), milliseconds(2));
  EXPECT_EQ(upstream.open(), row.reuses_connection ? 1U : 0U);
  const std::string second = co_await get_response(client);
  EXPECT_EQ(second, row.outcome);
  EXPECT_EQ(upstream.connections(), row.reuses_connection ? 1U : 2U);
}

TEST(Client, reads_responses_and_reuses_the_connection_where_it_may) {
  for (const Case& row : kResponses) {
    SCOPED_TRACE(row.description);
    TestLoop loop;
    loop.run(read_both_responses(loop, row));
  }
}

// ---- requests

struct SentCase {
  const char* description;
  const char* method;
  std::optional<std::uint64_t> length;
  std::vector<std::string> pieces;  // the first goes with the head, the last ends it
  std::string sent;
};

const std::string kFront = " /v1/x?y HTTP/1.1\r\nhost: api.example\r\naccept: */*\r\n";

const std::vector<SentCase> kRequests = {
    {"no body", "GET", 0, {""}, "GET" + kFront + "\r\n"},
    {"no body and no length", "GET", {}, {""}, "GET" + kFront + "\r\n"},
    {"a POST without a body has a length of 0",
     "POST",
     0,
     {""},
     "POST" + kFront + "content-length: 0\r\n\r\n"},
    {"a body at once", "POST", 5, {"hello"}, "POST" + kFront + "content-length: 5\r\n\r\nhello"},
    {"a body in pieces",
     "POST",
     5,
     {"", "he", "", "llo"},
     "POST" + kFront + "content-length: 5\r\n\r\nhello"},
    {"a body of unknown length",
     "POST",
     {},
     {"", "hello", "", "a piece of 22 letters.", ""},
     "POST" + kFront +
         "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n16\r\na piece of 22 "
         "letters.\r\n0\r\n\r\n"},
    {"a body of unknown length, at once",
     "PUT",
     {},
     {"hello"},
     "PUT" + kFront + "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
    {"a DELETE has no length", "DELETE", 0, {""}, "DELETE" + kFront + "\r\n"},
};

Task<void> send(TestLoop& loop, const SentCase& row) {
  Upstream upstream(loop, {{{ok("hi")}, {ok("ho")}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  const std::array<Field, 1> fields = {Field{"accept", "*/*"}};
  for (const char* body : {"200 hi", "200 ho"}) {
    auto call = co_await client.open(false);
    CO_ASSERT(call);
    const OutgoingRequest request{row.method, "/v1/x?y", fields, row.length};
    auto sent = co_await (*call)->send(request, row.pieces[0], row.pieces.size() == 1);
    EXPECT_TRUE(sent);
    for (std::size_t i = 1; i < row.pieces.size(); ++i) {
      sent = co_await (*call)->send_body(row.pieces[i], i + 1 == row.pieces.size());
      EXPECT_TRUE(sent);
    }
    const std::string got = co_await read_response(**call);
    EXPECT_EQ(got, body);
  }
  const std::vector<std::string> expected = {row.sent, row.sent};
  EXPECT_EQ(upstream.requests(), expected);
  EXPECT_EQ(upstream.connections(), 1U);
}

TEST(Client, sends_requests_with_the_framing_they_need) {
  for (const SentCase& row : kRequests) {
    SCOPED_TRACE(row.description);
    TestLoop loop;
    loop.run(send(loop, row));
  }
}

Task<void> send_much(TestLoop& loop) {
  const std::string body(std::size_t{32} << 20, 'x');
  Upstream upstream(loop, {{{ok("hi")}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  auto call = co_await client.open(false);
  CO_ASSERT(call);
  const OutgoingRequest request{"POST", "/", {}, body.size()};
  auto sent = co_await (*call)->send(request, body, true);
  EXPECT_TRUE(sent);
  const std::string got = co_await read_response(**call);
  EXPECT_EQ(got, "200 hi");
  CO_ASSERT(upstream.requests().size() == 1);
  EXPECT_TRUE(upstream.requests()[0].ends_with("\r\n\r\n" + body));
}

TEST(Client, sends_the_largest_body_whole) {
  TestLoop loop;
  loop.run(send_much(loop));
}

Task<void> respond_to_head(TestLoop& loop) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
  Upstream upstream(loop, {{{head}, {ok("hi")}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  auto call = co_await client.open(false);
  CO_ASSERT(call);
  const OutgoingRequest request{"HEAD", "/", {}, {}};
  (void)co_await (*call)->send(request, {}, true);
  const std::string got = co_await read_response(**call);
  EXPECT_EQ(got, "200 ");
  EXPECT_TRUE((*call)->body_done());
  call->reset();
  const std::string next = co_await get_response(client);
  EXPECT_EQ(next, "200 hi");
  EXPECT_EQ(upstream.connections(), 1U);
}

TEST(Client, expects_no_body_in_a_response_to_HEAD) {
  TestLoop loop;
  loop.run(respond_to_head(loop));
}

// ---- the progress of a call

Task<void> watch(TestLoop& loop) {
  Upstream upstream(
      loop, {{{ok("one")}, {kPause, kChunked + "3\r\n", kPause, "two\r\n0\r\n", kPause, "\r\n"}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  auto call = co_await client.open(false);
  CO_ASSERT(call);
  EXPECT_FALSE((*call)->reused());
  EXPECT_FALSE((*call)->response_begun());
  const OutgoingRequest request = get();
  (void)co_await (*call)->send(request, {}, true);
  EXPECT_FALSE((*call)->response_begun());
  auto head = co_await (*call)->read_head();
  EXPECT_TRUE((*call)->response_begun());
  EXPECT_EQ((*call)->body_length(), 3U);
  EXPECT_TRUE((*call)->body_ready());  // it came with the head
  EXPECT_FALSE((*call)->body_done());  // but was not yet read
  auto piece = co_await (*call)->read_body();
  EXPECT_EQ(piece.value(), "one");
  EXPECT_TRUE((*call)->body_done());
  call->reset();

  call = co_await client.open(false);
  CO_ASSERT(call);
  EXPECT_TRUE((*call)->reused());
  (void)co_await (*call)->send(request, {}, true);
  EXPECT_FALSE((*call)->response_begun());  // the response before does not count
  head = co_await (*call)->read_head();
  EXPECT_EQ((*call)->body_length(), std::nullopt);
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_FALSE((*call)->body_ready());  // a chunk's size is nothing to read
  piece = co_await (*call)->read_body();
  EXPECT_EQ(piece.value(), "two");
  EXPECT_FALSE((*call)->body_done());
  EXPECT_FALSE((*call)->body_ready());
  piece = co_await (*call)->read_body();
  EXPECT_EQ(piece.value(), "");
  EXPECT_TRUE((*call)->body_done());
  EXPECT_TRUE((*call)->body_ready());
}

TEST(Client, reports_the_progress_of_a_call) {
  TestLoop loop;
  loop.run(watch(loop));
}

// ---- limits

struct LimitCase {
  const char* description;
  Reply reply;
  std::string outcome;
  std::string message;  // part of it
};

// Repeats the piece, with a pause behind each, for longer than any limit here.
Reply dripping(Reply reply, const std::string& piece) {
  for (int i = 0; i < 500; ++i) {
    reply.push_back(piece);
    reply.push_back(kPause);
  }
  return reply;
}

const std::vector<LimitCase> kLimits = {
    {"no response", {kSilence}, "timed out", "timeouts.firstByteSeconds"},
    {"half a head", {"HTTP/1.1 200 OK\r\n", kSilence}, "timed out", "timeouts.firstByteSeconds"},
    {"interim responses only",
     {"HTTP/1.1 100 Continue\r\n\r\n", kSilence},
     "timed out",
     "timeouts.firstByteSeconds"},
    {"interim responses without end", dripping({}, "HTTP/1.1 103 Early Hints\r\n\r\n"), "timed out",
     "timeouts.firstByteSeconds"},
    {"a head that drips", dripping({"HTTP/1.1 200 OK\r\nX: "}, "x"), "timed out",
     "timeouts.firstByteSeconds"},
    {"a body that stops",
     {kChunked + "2\r\nhi", kSilence},
     "timed out",
     "timeouts.idleUpstreamSeconds"},
    {"a body that does not begin",
     {kChunked, kSilence},
     "timed out",
     "timeouts.idleUpstreamSeconds"},
};

Task<void> take_too_long(TestLoop& loop, const LimitCase& row) {
  Upstream upstream(loop, {{row.reply}});
  ClientLimits limits;
  limits.first_byte = limits.idle = milliseconds(80);
  Client client(loop.runtime(), upstream.origin(), nullptr, limits);
  auto call = co_await client.open(false);
  CO_ASSERT(call);
  const OutgoingRequest request = get();
  (void)co_await (*call)->send(request, {}, true);
  const auto began = Clock::now();
  Error error{ErrorKind::kInternal, "nothing failed"};
  auto head = co_await (*call)->read_head();
  if (!head) error = head.error();
  while (head && error.kind == ErrorKind::kInternal) {
    auto piece = co_await (*call)->read_body();
    if (!piece) error = piece.error();
  }
  EXPECT_EQ(describe_failure(error), row.outcome);
  EXPECT_NE(error.message.find(row.message), std::string::npos) << error.message;
  EXPECT_GE(Clock::now() - began, milliseconds(80));
  EXPECT_LT(Clock::now() - began, seconds(2));
}

TEST(Client, names_the_limit_that_has_expired) {
  for (const LimitCase& row : kLimits) {
    SCOPED_TRACE(row.description);
    TestLoop loop;
    loop.run(take_too_long(loop, row));
  }
}

Task<void> write_too_long(TestLoop& loop) {
  auto deaf = net::Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
  CO_ASSERT(deaf);
  ClientLimits limits;
  limits.write_stall = milliseconds(150);
  const Origin origin{false, "127.0.0.1", (*deaf)->port(), "a"};
  Client client(loop.runtime(), origin, nullptr, limits);
  auto call = co_await client.open(false);
  CO_ASSERT(call);
  const std::string body(std::size_t{32} << 20, 'x');
  const OutgoingRequest request{"POST", "/", {}, body.size()};
  auto sent = co_await (*call)->send(request, body, true);
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error().kind, ErrorKind::kTimedOut);
  EXPECT_NE(sent.error().message.find("timeouts.writeStallSeconds"), std::string::npos);
}

TEST(Client, gives_up_on_an_upstream_that_does_not_read) {
  TestLoop loop;
  loop.run(write_too_long(loop));
}

Task<void> refused(TestLoop& loop) {
  std::uint16_t port = 0;
  {
    auto listener = net::Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
    port = (*listener)->port();
  }
  Client client(loop.runtime(), {false, "127.0.0.1", port, "a"}, nullptr, {});
  const std::string got = co_await get_response(client);
  EXPECT_EQ(got, "unreachable");
}

TEST(Client, fails_where_nobody_listens) {
  TestLoop loop;
  loop.run(refused(loop));
}

}  // namespace
}  // namespace ccproxy::http
