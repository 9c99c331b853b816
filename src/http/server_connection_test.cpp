#include "http/server_connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "http/test_link.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::http {
namespace {

using net::sleep;
using net::TestLoop;
using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- whole conversations

struct Case {
  const char* description;
  std::string sent;  // ends so that the server closes
  std::string received;
};

const std::string kHost = "Host: a\r\n";
const std::string kLast = "Host: a\r\nConnection: close\r\n";

const Case kCases[] = {
    {"a request and its reply", "GET /a HTTP/1.1\r\n" + kLast + "\r\n",
     ok_reply("GET /a <>", true)},
    {"consecutive requests get their replies in order, even after a slow one",
     "GET /slow HTTP/1.1\r\n" + kHost + "\r\nPOST /b HTTP/1.1\r\n" + kHost +
         "Content-Length: 2\r\n\r\nhiGET /c HTTP/1.1\r\n" + kLast + "\r\n",
     ok_reply("GET /slow <>") + ok_reply("POST /b <hi>") + ok_reply("GET /c <>", true)},
    {"a chunked body",
     "POST /a HTTP/1.1\r\n" + kLast +
         "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n6\r\n there\r\n0\r\nX: y\r\n\r\n",
     ok_reply("POST /a <hi there>", true)},
    {"a reply to HEAD has a length and no body",
     "HEAD /a HTTP/1.1\r\n" + kHost + "\r\nGET /b HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n" + ok_reply("GET /b <>", true)},
    {"a chunked reply to HEAD has no body",
     "HEAD /pieces HTTP/1.1\r\n" + kHost + "\r\nGET /b HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 200 OK\r\nx-kind: pieces\r\n\r\n" + ok_reply("GET /b <>", true)},
    {"204 has neither length nor body", "GET /none HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"},
    {"a reply in pieces is chunked",
     "GET /pieces HTTP/1.1\r\n" + kHost + "\r\nGET /b HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 200 OK\r\nx-kind: pieces\r\ntransfer-encoding: chunked\r\n\r\n"
     "3\r\none\r\n16\r\na piece of 22 letters.\r\n0\r\n\r\n" +
         ok_reply("GET /b <>", true)},
    {"the last piece and the end leave together", "GET /pieces?last HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 200 OK\r\nx-kind: pieces\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
     "3\r\none\r\n16\r\na piece of 22 letters.\r\n4\r\nlast\r\n0\r\n\r\n"},
    {"a reply in pieces to HTTP/1.0 ends with the connection", "GET /pieces HTTP/1.0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nx-kind: pieces\r\nconnection: close\r\n\r\nonea piece of 22 letters."},
    {"a whole reply to HTTP/1.0 has a length and closes the connection, even against the client's "
     "wish",
     "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ok_reply("GET /a <>", true)},
    {"a request behind one with Connection: close is not served",
     "GET /a HTTP/1.1\r\n" + kLast + "\r\nGET /b HTTP/1.1\r\n" + kHost + "\r\n",
     ok_reply("GET /a <>", true)},
    {"a malformed head is refused and ends the connection",
     "GET /a HTTP/1.1\r\n" + kHost + "\r\nGET /b\r\n\r\nGET /c HTTP/1.1\r\n" + kHost + "\r\n",
     ok_reply("GET /a <>") + refusal("400 Bad Request", "refused")},
    {"a refusal after HEAD has its body", "HEAD /a HTTP/1.1\r\n" + kHost + "\r\nGET /b\r\n\r\n",
     "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n" + refusal("400 Bad Request", "refused")},
    {"a malformed body is refused and ends the connection",
     "POST /a HTTP/1.1\r\n" + kHost +
         "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\nGET / HTTP/1.1\r\n" + kHost + "\r\n",
     refusal("400 Bad Request", "malformed HTTP: bad chunk")},
    {"an unread body is not taken for a request",
     "POST /early HTTP/1.1\r\n" + kHost + "Content-Length: 40\r\n\r\nGET /b HTTP/1.1\r\n" + kHost +
         "\r\n",
     refusal("413 Content Too Large", "too large")},
    {"a head above the limit",
     "GET /" + std::string(70'000, 'x') + " HTTP/1.1\r\n" + kHost + "\r\n",
     refusal("431 Request Header Fields Too Large", "refused")},
};

Task<void> converse(TestLoop& loop, const Case& row, std::size_t fragment) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  for (std::size_t at = 0; at < row.sent.size(); at += std::min(fragment, row.sent.size())) {
    auto written = co_await link.client->write(std::string_view(row.sent).substr(at, fragment));
    if (!written) break;  // refused before the end
  }
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, row.received);
}

TEST(ServerConnection, sends_the_same_replies_at_every_fragment_size) {
  for (const Case& row : kCases)
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::string::npos}) {
      SCOPED_TRACE(testing::Message() << row.description << ", fragments of " << size);
      TestLoop loop;
      loop.run(converse(loop, row, size));
    }
}

Task<void> keep_alive(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  for (int i = 0; i < 20; ++i) {
    co_await send_text(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string expected = ok_reply("GET /a <>");
    const std::string got = co_await net::read_exactly(*link.client, expected.size());
    EXPECT_EQ(got, expected);
  }
}

TEST(ServerConnection, serves_many_requests_on_one_connection) {
  TestLoop loop;
  loop.run(keep_alive(loop));
}

// ---- Expect: 100-continue

const std::string kExpecting =
    "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-Continue\r\n"
    "Content-Length: 2\r\n\r\n";
const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

Task<void> expect_continue(TestLoop& loop) {
  Link patient = co_await connect(loop);
  loop.runtime().spawn(serve(loop, patient.server));
  co_await send_text(*patient.client, kExpecting);
  const std::string interim = co_await net::read_exactly(*patient.client, kContinue.size());
  EXPECT_EQ(interim, kContinue);
  co_await send_text(*patient.client, "hi");
  const std::string received = co_await read_to_end(*patient.client);
  EXPECT_EQ(received, ok_reply("POST /a <hi>", true));

  Link eager = co_await connect(loop);
  loop.runtime().spawn(serve(loop, eager.server));
  co_await send_text(*eager.client, kExpecting + "hi");
  const std::string all = co_await read_to_end(*eager.client);
  EXPECT_EQ(all,
            ok_reply("POST /a <hi>", true));  // without 100 Continue, since the client did not wait
}

Task<void> expect_nothing(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await send_text(*link.client, kExpecting);
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  co_await send_text(*link.client, "hi");  // a client that waits only for so long
  co_await sleep(loop.runtime(), milliseconds(10));
  auto body = co_await read_whole(*link.server);
  CO_ASSERT(body);
  (void)co_await link.server->send_reply(200, {}, *body);
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, ok_reply("hi", true));
}

TEST(ServerConnection, sends_no_100_continue_when_the_body_has_arrived) {
  TestLoop loop;
  loop.run(expect_nothing(loop));
}

TEST(ServerConnection, sends_100_continue_to_a_client_that_waits) {
  TestLoop loop;
  loop.run(expect_continue(loop));
}

Task<void> refuse_expectation(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await send_text(
      *link.client,
      "POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, refusal("413 Content Too Large", "too large"));
}

TEST(ServerConnection, refuses_a_request_without_100_continue) {
  TestLoop loop;
  loop.run(refuse_expectation(loop));
}

// ---- early replies

Task<void> reply_early(TestLoop& loop, std::size_t size) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await send_text(*link.client, "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                       std::to_string(size) + "\r\n\r\n");
  // Such a client writes all of its body before it reads the reply.
  const std::string body(size, 'x');
  co_await send_text(*link.client, body);
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, refusal("413 Content Too Large", "too large"));
}

TEST(ServerConnection, lets_a_client_that_still_sends_see_an_early_reply) {
  for (const std::size_t size :
       {std::size_t{1} << 10, std::size_t{1} << 20, std::size_t{48} << 20}) {
    TestLoop loop;
    loop.run(reply_early(loop, size));
  }
}

Task<void> send_without_end(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await send_text(
      *link.client,
      "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n");
  const std::string much(1 << 20, 'x');
  const auto began = Clock::now();
  while (Clock::now() - began < seconds(20)) {
    auto written = co_await link.client->write(much);
    if (!written) break;
  }
  EXPECT_LT(Clock::now() - began, seconds(10));
}

TEST(ServerConnection, stops_reading_from_a_refused_client_after_two_seconds) {
  TestLoop loop;
  loop.run(send_without_end(loop));
}

// ---- time limits

Task<void> idle(TestLoop& loop) {
  ServerLimits limits;
  limits.keep_alive = milliseconds(60);
  Link link = co_await connect(loop, limits);
  const auto began = Clock::now();
  loop.runtime().spawn(serve(loop, link.server));
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, "");
  EXPECT_GE(Clock::now() - began, milliseconds(60));
  EXPECT_LT(Clock::now() - began, seconds(2));
}

TEST(ServerConnection, closes_when_it_is_idle_too_long) {
  TestLoop loop;
  loop.run(idle(loop));
}

// Each byte comes in time, the whole does not.
Task<void> drip(TestLoop& loop, net::Stream& stream) {
  for (int i = 0; i < 200; ++i) {
    co_await sleep(loop.runtime(), milliseconds(20));
    auto written = co_await stream.write("x");
    if (!written) break;
  }
}

Task<void> take_too_long(TestLoop& loop, std::string first, bool dripping, std::string expected) {
  ServerLimits limits;
  limits.request_head = limits.body_stall = milliseconds(100);
  Link link = co_await connect(loop, limits);
  loop.runtime().spawn(serve(loop, link.server));
  const auto began = Clock::now();
  co_await send_text(*link.client, first);
  if (dripping) loop.runtime().spawn(drip(loop, *link.client));
  const std::string received = co_await net::read_exactly(*link.client, expected.size());
  EXPECT_EQ(received, expected);
  EXPECT_GE(Clock::now() - began, milliseconds(100));
  EXPECT_LT(Clock::now() - began, seconds(1));
}

TEST(ServerConnection, limits_the_time_of_a_head_from_its_first_byte_to_its_last) {
  TestLoop loop;
  loop.run(take_too_long(loop, "GET /", true, refusal("408 Request Timeout", "refused")));
}

TEST(ServerConnection, gives_up_on_a_body_that_stops) {
  TestLoop loop;
  loop.run(take_too_long(
      loop, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", false,
      refusal("400 Bad Request", "the request body stopped arriving (timeouts.bodyStallSeconds)")));
}

Task<void> stall_writing(TestLoop& loop) {
  ServerLimits limits;
  limits.write_stall = milliseconds(150);
  Link link = co_await connect(loop, limits);
  co_await send_text(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  int left = 0;
  link.server->on_gone([&left] { ++left; });
  link.server->begin_reply(200, {}, std::nullopt);
  const std::string piece(64 * 1024, 'x');
  Result<void> written;
  for (int i = 0; written && i < 1000; ++i) written = co_await link.server->write(piece);
  CO_ASSERT(!written);
  EXPECT_EQ(written.error().kind, ErrorKind::kClientStalled);
  co_await sleep(loop.runtime(), milliseconds(20));
  EXPECT_EQ(left, 0);  // the client has not left, it only does not read
  EXPECT_FALSE(link.server->gone());
}

TEST(ServerConnection, gives_up_on_a_client_that_does_not_read) {
  TestLoop loop;
  loop.run(stall_writing(loop));
}

Task<void> read_slowly(TestLoop& loop, net::Stream& stream, std::size_t size) {
  const auto piece = std::size_t{1} << 20;
  for (std::size_t have = 0; have < size; have += piece) {
    co_await sleep(loop.runtime(), milliseconds(20));
    const std::string got = co_await net::read_exactly(stream, piece);
    if (got.size() < piece) co_return;
  }
}

Task<void> large_reply(TestLoop& loop) {
  ServerLimits limits;
  limits.write_stall = milliseconds(300);
  Link link = co_await connect(loop, limits);
  co_await send_text(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  const std::string body(std::size_t{40} << 20, 'x');
  loop.runtime().spawn(read_slowly(loop, *link.client, body.size()));
  auto sent = co_await link.server->send_reply(200, {}, body);  // takes longer than a stall may
  EXPECT_TRUE(sent);
  co_await sleep(loop.runtime(), milliseconds(20));
}

TEST(ServerConnection, does_not_give_up_on_a_slow_client) {
  TestLoop loop;
  loop.run(large_reply(loop));
}

}  // namespace
}  // namespace ccproxy::http
