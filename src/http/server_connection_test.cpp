#include "http/server_connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "net/test_loop.hpp"

namespace ccproxy::http {
namespace {

using net::sleep;
using net::TestLoop;
using std::chrono::milliseconds;
using std::chrono::seconds;

using ConnectionPtr = std::shared_ptr<ServerConnection>;
using StreamPtr = std::unique_ptr<net::Stream>;

// A raw client and the connection that serves it.
struct Link {
  StreamPtr client;
  ConnectionPtr server;
};

Task<Link> connect(TestLoop& loop, ServerLimits limits = {}) {
  auto pair = co_await net::connect_pair(loop);
  Link link;
  link.client = std::move(pair.client);
  link.server = std::make_shared<ServerConnection>(loop.runtime(), std::move(pair.server), limits);
  link.server->start();
  co_return link;
}

Task<void> say(net::Stream& stream, std::string text) {
  auto written = co_await stream.write(text);
  EXPECT_TRUE(written);
}

Task<std::string> read_to_end(net::Stream& stream) {
  std::string all;
  std::array<char, 4096> room{};
  while (true) {
    auto got = co_await stream.read_some(room);
    if (!got) all += "(broken)";
    if (!got || *got == 0) co_return all;
    all.append(room.data(), *got);
  }
}

// A server to try things with: what it does depends on the path.
Task<Result<std::string>> read_whole(ServerConnection& client) {
  std::string body;
  while (true) {
    auto piece = co_await client.read_body();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return body;
    body += *piece;
  }
}

Task<Result<void>> reply_to(TestLoop& loop, ServerConnection& client, const RequestHead& head) {
  if (head.path() == "/early") co_return co_await client.answer(413, {}, "too large");
  auto body = co_await read_whole(client);
  if (!body) co_return co_await client.answer(400, {}, body.error().message);
  if (head.path() == "/slow") co_await sleep(loop.runtime(), milliseconds(50));
  if (head.path() == "/none") co_return co_await client.answer(204, {}, {});
  if (head.path() == "/pieces") {
    std::string fields;
    append_field(fields, "x-kind", "pieces");
    client.begin_reply(200, fields, std::nullopt);
    for (const std::string_view piece : {"one", "", "a piece of 22 letters."})
      if (auto written = co_await client.write(piece); !written) co_return written;
    co_return co_await client.end_reply(head.query() == "?last" ? "last" : "");
  }
  const std::string text =
      std::string(head.method) + " " + std::string(head.target) + " <" + *body + ">";
  co_return co_await client.answer(200, {}, text);
}

Task<void> serve(TestLoop& loop, ConnectionPtr client) {
  while (true) {
    auto head = co_await client->read_request();
    if (!head && head.error().kind == ErrorKind::kClosed) break;
    if (head) {
      (void)co_await reply_to(loop, *client, *head);
    } else {
      const int status = head.error().kind == ErrorKind::kHeadTooLarge   ? 431
                         : head.error().kind == ErrorKind::kClientStalled ? 408
                                                                          : 400;
      (void)co_await client->answer(status, {}, "refused");
    }
  }
  client->close();
}

// ---- whole conversations

struct Case {
  const char* says;
  std::string sent;  // ends so that the server closes
  std::string received;
};

const std::string kHost = "Host: a\r\n";
const std::string kLast = "Host: a\r\nConnection: close\r\n";

std::string answer(const std::string& body, bool last = false) {
  return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" +
         (last ? "connection: close\r\n" : "") + "\r\n" + body;
}

std::string refusal(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\nconnection: close\r\n\r\n" + body;
}

const Case kCases[] = {
    {"a request and its answer", "GET /a HTTP/1.1\r\n" + kLast + "\r\n", answer("GET /a <>", true)},
    {"requests in a row are answered in order, the slow one too",
     "GET /slow HTTP/1.1\r\n" + kHost + "\r\nPOST /b HTTP/1.1\r\n" + kHost +
         "Content-Length: 2\r\n\r\nhiGET /c HTTP/1.1\r\n" + kLast + "\r\n",
     answer("GET /slow <>") + answer("POST /b <hi>") + answer("GET /c <>", true)},
    {"a chunked body",
     "POST /a HTTP/1.1\r\n" + kLast +
         "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n6\r\n there\r\n0\r\nX: y\r\n\r\n",
     answer("POST /a <hi there>", true)},
    {"HEAD is told the size and gets no body",
     "HEAD /a HTTP/1.1\r\n" + kHost + "\r\nGET /b HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n" + answer("GET /b <>", true)},
    {"HEAD of an answer in pieces",
     "HEAD /pieces HTTP/1.1\r\n" + kHost + "\r\nGET /b HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 200 OK\r\nx-kind: pieces\r\n\r\n" + answer("GET /b <>", true)},
    {"204 has neither length nor body", "GET /none HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"},
    {"an answer in pieces is chunked",
     "GET /pieces HTTP/1.1\r\n" + kHost + "\r\nGET /b HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 200 OK\r\nx-kind: pieces\r\ntransfer-encoding: chunked\r\n\r\n"
     "3\r\none\r\n16\r\na piece of 22 letters.\r\n0\r\n\r\n" +
         answer("GET /b <>", true)},
    {"the last piece and the end leave together",
     "GET /pieces?last HTTP/1.1\r\n" + kLast + "\r\n",
     "HTTP/1.1 200 OK\r\nx-kind: pieces\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
     "3\r\none\r\n16\r\na piece of 22 letters.\r\n4\r\nlast\r\n0\r\n\r\n"},
    {"an answer in pieces to HTTP/1.0 ends with the connection", "GET /pieces HTTP/1.0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nx-kind: pieces\r\nconnection: close\r\n\r\nonea piece of 22 letters."},
    {"a whole answer to HTTP/1.0 has a length; it closes, even where the client would go on",
     "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", answer("GET /a <>", true)},
    {"what follows a request that closes is not served",
     "GET /a HTTP/1.1\r\n" + kLast + "\r\nGET /b HTTP/1.1\r\n" + kHost + "\r\n",
     answer("GET /a <>", true)},
    {"a malformed head is refused and ends the connection",
     "GET /a HTTP/1.1\r\n" + kHost + "\r\nGET /b\r\n\r\nGET /c HTTP/1.1\r\n" + kHost + "\r\n",
     answer("GET /a <>") + refusal("400 Bad Request", "refused")},
    {"a refusal after HEAD has its body",
     "HEAD /a HTTP/1.1\r\n" + kHost + "\r\nGET /b\r\n\r\n",
     "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n" + refusal("400 Bad Request", "refused")},
    {"a malformed body is refused and ends the connection",
     "POST /a HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\nGET / HTTP/1.1\r\n" +
         kHost + "\r\n",
     refusal("400 Bad Request", "malformed HTTP: bad chunk")},
    {"a body that nobody read is not taken for a request",
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

TEST(ServerConnection, converses_the_same_at_every_fragment_size) {
  for (const Case& row : kCases)
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::string::npos}) {
      SCOPED_TRACE(testing::Message() << row.says << ", fragments of " << size);
      TestLoop loop;
      loop.run(converse(loop, row, size));
    }
}

Task<void> keep_alive(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  for (int i = 0; i < 20; ++i) {
    co_await say(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string expected = answer("GET /a <>");
    const std::string got = co_await net::read_exactly(*link.client, expected.size());
    EXPECT_EQ(got, expected);
  }
}

TEST(ServerConnection, carries_many_requests) {
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
  co_await say(*patient.client, kExpecting);
  const std::string interim = co_await net::read_exactly(*patient.client, kContinue.size());
  EXPECT_EQ(interim, kContinue);
  co_await say(*patient.client, "hi");
  const std::string received = co_await read_to_end(*patient.client);
  EXPECT_EQ(received, answer("POST /a <hi>", true));

  Link eager = co_await connect(loop);
  loop.runtime().spawn(serve(loop, eager.server));
  co_await say(*eager.client, kExpecting + "hi");
  const std::string all = co_await read_to_end(*eager.client);
  EXPECT_EQ(all, answer("POST /a <hi>", true));  // it did not wait, so nobody tells it to go on
}

Task<void> expect_nothing(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await say(*link.client, kExpecting);
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  co_await say(*link.client, "hi");  // a client that waits only for so long
  co_await sleep(loop.runtime(), milliseconds(10));
  auto body = co_await read_whole(*link.server);
  CO_ASSERT(body);
  (void)co_await link.server->answer(200, {}, *body);
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, answer("hi", true));
}

TEST(ServerConnection, tells_no_client_to_go_on_that_has) {
  TestLoop loop;
  loop.run(expect_nothing(loop));
}

TEST(ServerConnection, tells_a_client_that_waits_to_go_on) {
  TestLoop loop;
  loop.run(expect_continue(loop));
}

Task<void> refuse_expectation(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await say(*link.client,
               "POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, refusal("413 Content Too Large", "too large"));
}

TEST(ServerConnection, refuses_without_asking_for_the_body) {
  TestLoop loop;
  loop.run(refuse_expectation(loop));
}

// ---- early answers

Task<void> answer_early(TestLoop& loop, std::size_t size) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await say(*link.client, "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                 std::to_string(size) + "\r\n\r\n");
  // Such a client writes all of its body before it looks for an answer.
  const std::string body(size, 'x');
  co_await say(*link.client, body);
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, refusal("413 Content Too Large", "too large"));
}

TEST(ServerConnection, lets_a_client_that_still_sends_see_an_early_answer) {
  for (const std::size_t size : {std::size_t{1} << 10, std::size_t{1} << 20, std::size_t{48} << 20}) {
    TestLoop loop;
    loop.run(answer_early(loop, size));
  }
}

Task<void> send_without_end(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await say(*link.client,
               "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n");
  const std::string much(1 << 20, 'x');
  const auto began = Clock::now();
  while (Clock::now() - began < seconds(20)) {
    auto written = co_await link.client->write(much);
    if (!written) break;
  }
  EXPECT_LT(Clock::now() - began, seconds(10));
}

TEST(ServerConnection, does_not_listen_for_ever_to_a_client_it_has_refused) {
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

TEST(ServerConnection, closes_when_it_idles_too_long) {
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
  co_await say(*link.client, first);
  if (dripping) loop.runtime().spawn(drip(loop, *link.client));
  const std::string received = co_await net::read_exactly(*link.client, expected.size());
  EXPECT_EQ(received, expected);
  EXPECT_GE(Clock::now() - began, milliseconds(100));
  EXPECT_LT(Clock::now() - began, seconds(1));
}

TEST(ServerConnection, gives_a_head_so_much_time_from_its_first_byte_to_its_last) {
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
  co_await say(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
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
  EXPECT_EQ(left, 0);  // it is there, it only does not read
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

Task<void> large_answer(TestLoop& loop) {
  ServerLimits limits;
  limits.write_stall = milliseconds(300);
  Link link = co_await connect(loop, limits);
  co_await say(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  const std::string body(std::size_t{40} << 20, 'x');
  loop.runtime().spawn(read_slowly(loop, *link.client, body.size()));
  auto answered = co_await link.server->answer(200, {}, body);  // takes longer than a stall may
  EXPECT_TRUE(answered);
  co_await sleep(loop.runtime(), milliseconds(20));
}

TEST(ServerConnection, does_not_take_a_slow_client_for_one_that_stopped) {
  TestLoop loop;
  loop.run(large_answer(loop));
}

// ---- clients that leave

enum class Leave { kEnd, kReset };

void leave(net::Stream& stream, Leave how) {
  if (how == Leave::kEnd) {
    stream.close();
  } else {
    stream.reset();
  }
}

Task<void> leave_after(TestLoop& loop, net::Stream& stream, Leave how) {
  co_await sleep(loop.runtime(), milliseconds(20));
  leave(stream, how);
}

Task<void> leave_idle(TestLoop& loop, Leave how) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(leave_after(loop, *link.client, how));
  auto head = co_await link.server->read_request();
  CO_ASSERT(!head);
  EXPECT_EQ(head.error().kind, ErrorKind::kClosed);
}

Task<void> leave_in_head(TestLoop& loop, Leave how) {
  Link link = co_await connect(loop);
  co_await say(*link.client, "GET /");
  loop.runtime().spawn(leave_after(loop, *link.client, how));
  auto head = co_await link.server->read_request();
  CO_ASSERT(!head);
  EXPECT_EQ(head.error().kind, ErrorKind::kClosed);
}

Task<void> leave_in_body(TestLoop& loop, Leave how) {
  Link link = co_await connect(loop);
  co_await say(*link.client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  auto piece = co_await link.server->read_body();
  CO_ASSERT(piece);
  EXPECT_EQ(*piece, "half");
  int calls = 0;
  link.server->on_gone([&calls] { ++calls; });
  loop.runtime().spawn(leave_after(loop, *link.client, how));
  piece = co_await link.server->read_body();
  CO_ASSERT(!piece);
  EXPECT_EQ(piece.error().kind, ErrorKind::kClientGone);
  EXPECT_EQ(calls, 1);
}

// Nothing is read or written: the upstream is being waited for.
Task<void> leave_while_waiting(TestLoop& loop, Leave how) {
  Link link = co_await connect(loop);
  co_await say(*link.client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  int calls = 0;
  net::Event noticed(loop.runtime());
  link.server->on_gone([&] {
    ++calls;
    noticed.notify();
  });
  loop.runtime().spawn(leave_after(loop, *link.client, how));
  const auto began = Clock::now();
  co_await noticed.wait();
  EXPECT_LT(Clock::now() - began, seconds(1));
  EXPECT_TRUE(link.server->gone());
  link.server->close();
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_EQ(calls, 1);
  link.server->on_gone([&calls] { ++calls; });  // whoever asks later is told at once
  EXPECT_EQ(calls, 2);
}

Task<void> leave_in_answer(TestLoop& loop, Leave how) {
  Link link = co_await connect(loop);
  co_await say(*link.client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  int calls = 0;
  link.server->on_gone([&calls] { ++calls; });
  link.server->begin_reply(200, {}, std::nullopt);
  loop.runtime().spawn(leave_after(loop, *link.client, how));
  const std::string piece(64 * 1024, 'x');
  Result<void> written;
  for (int i = 0; written && i < 1000; ++i) written = co_await link.server->write(piece);
  CO_ASSERT(!written);
  EXPECT_EQ(written.error().kind, ErrorKind::kClientGone);
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_LE(calls, 1);
}

TEST(ServerConnection, notices_in_every_phase_that_the_client_has_left) {
  for (const Leave how : {Leave::kEnd, Leave::kReset})
    for (auto* phase :
         {leave_idle, leave_in_head, leave_in_body, leave_while_waiting, leave_in_answer}) {
      TestLoop loop;
      loop.run(phase(loop, how));
    }
}

Task<void> close_itself(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await say(*link.client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  bool called = false;
  link.server->on_gone([&called] { called = true; });
  link.server->close();
  co_await sleep(loop.runtime(), milliseconds(20));
  EXPECT_FALSE(called);
  EXPECT_FALSE(link.server->gone());
  auto written = co_await link.server->answer(200, {}, "x");
  EXPECT_FALSE(written);
  head = co_await link.server->read_request();
  CO_ASSERT(!head);
  EXPECT_EQ(head.error().kind, ErrorKind::kClosed);
}

TEST(ServerConnection, does_not_take_its_own_close_for_the_clients) {
  TestLoop loop;
  loop.run(close_itself(loop));
}

Task<void> leave_with_last_byte(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await say(*link.client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  link.client->end_writing();
  co_await sleep(loop.runtime(), milliseconds(10));
  auto head = co_await link.server->read_request();  // what came before the end is served
  CO_ASSERT(head);
  auto body = co_await read_whole(*link.server);
  CO_ASSERT(body);
  EXPECT_EQ(*body, "hi");
  (void)co_await link.server->answer(200, {}, "still");
  head = co_await link.server->read_request();
  EXPECT_FALSE(head);
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, answer("still"));
}

TEST(ServerConnection, serves_what_came_before_the_client_ended) {
  TestLoop loop;
  loop.run(leave_with_last_byte(loop));
}

// ---- the server ends

Task<void> drain_idle(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await sleep(loop.runtime(), milliseconds(10));
  link.server->drain();
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, "");
}

Task<void> drain_later(TestLoop& loop, ConnectionPtr connection) {
  co_await sleep(loop.runtime(), milliseconds(20));
  connection->drain();
}

Task<void> drain_busy(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await say(*link.client, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  loop.runtime().spawn(drain_later(loop, link.server));
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, answer("GET /slow <>", true));
}

Task<void> drain_in_head(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await say(*link.client, "GET /a HTTP/1.1\r\n");
  co_await sleep(loop.runtime(), milliseconds(10));
  link.server->drain();
  co_await say(*link.client, "Host: a\r\n\r\n");
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, answer("GET /a <>", true));
}

Task<void> drain_in_answer(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await say(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  link.server->begin_reply(200, {}, std::nullopt);
  (void)co_await link.server->write("one");
  link.server->drain();
  (void)co_await link.server->end_reply("two");
  head = co_await link.server->read_request();
  EXPECT_FALSE(head);
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
}

TEST(ServerConnection, that_drains_finishes_what_has_begun) {
  for (auto* phase : {drain_idle, drain_busy, drain_in_head, drain_in_answer}) {
    TestLoop loop;
    loop.run(phase(loop));
  }
}

// ---- replies

Task<void> replace(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await say(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  EXPECT_FALSE(link.server->reply_begun());
  link.server->begin_reply(200, {}, 100);
  EXPECT_TRUE(link.server->reply_begun());
  EXPECT_TRUE(link.server->reply_unsent());
  link.server->discard_reply();
  EXPECT_FALSE(link.server->reply_begun());
  (void)co_await link.server->answer(502, {}, "no");
  const std::string expected = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 2\r\n\r\nno";
  std::string received = co_await net::read_exactly(*link.client, expected.size());
  EXPECT_EQ(received, expected);

  co_await say(*link.client, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  head = co_await link.server->read_request();
  CO_ASSERT(head);
  link.server->begin_reply(200, {}, 4);
  (void)co_await link.server->flush();  // the head leaves alone
  EXPECT_FALSE(link.server->reply_unsent());
  const std::string front = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";
  received = co_await net::read_exactly(*link.client, front.size());
  EXPECT_EQ(received, front);
  (void)co_await link.server->flush();
  (void)co_await link.server->write("fo");
  (void)co_await link.server->end_reply("ur");
  received = co_await net::read_exactly(*link.client, 4);
  EXPECT_EQ(received, "four");
}

TEST(ServerConnection, can_replace_a_reply_until_its_head_has_left) {
  TestLoop loop;
  loop.run(replace(loop));
}

Task<void> cut_reply(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await say(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  link.server->begin_reply(200, {}, 9);
  (void)co_await link.server->end_reply("half");
  head = co_await link.server->read_request();
  EXPECT_FALSE(head);
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
}

TEST(ServerConnection, closes_after_a_reply_shorter_than_it_said) {
  TestLoop loop;
  loop.run(cut_reply(loop));
}

// ---- reading ahead

// A client that sends without end; counts what is taken from it.
class Torrent final : public net::Stream {
 public:
  Torrent(net::Runtime& runtime, std::string first, std::size_t& taken)
      : runtime_(runtime), first_(std::move(first)), taken_(taken) {}

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    co_await sleep(runtime_, milliseconds(0));
    if (closed_) co_return fail(ErrorKind::kClosed, "closed");
    const std::size_t head = std::min(first_.size(), into.size());
    std::copy_n(first_.begin(), head, into.begin());
    first_.erase(0, head);
    if (head > 0) co_return head;
    std::fill(into.begin(), into.end(), 'x');
    taken_ += into.size();
    co_return into.size();
  }
  Task<Result<void>> write(std::string_view, std::string_view, std::string_view) override {
    co_return Result<void>{};
  }
  void expires_after(Clock::duration) override {}
  void never_expires() override {}
  bool is_quiet() override { return false; }
  void end_writing() override {}
  void offer(std::string_view) override {}
  void close() override { closed_ = true; }
  void reset() override { closed_ = true; }

 private:
  net::Runtime& runtime_;
  std::string first_;
  std::size_t& taken_;
  bool closed_ = false;
};

Task<void> read_ahead(TestLoop& loop) {
  constexpr std::size_t kReadAhead = 64 * 1024;
  std::size_t taken = 0, read = 0;
  auto torrent = std::make_unique<Torrent>(
      loop.runtime(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n", taken);
  const auto connection =
      std::make_shared<ServerConnection>(loop.runtime(), std::move(torrent), ServerLimits{});
  connection->start();
  auto head = co_await connection->read_request();
  CO_ASSERT(head);
  co_await sleep(loop.runtime(), milliseconds(50));
  EXPECT_EQ(taken, kReadAhead);
  while (read < (std::size_t{10} << 20)) {
    auto piece = co_await connection->read_body();
    CO_ASSERT(piece);
    read += piece->size();
    EXPECT_LE(piece->size(), kReadAhead);
    EXPECT_LE(taken, read + 2 * kReadAhead);
  }
  co_await sleep(loop.runtime(), milliseconds(50));
  EXPECT_LE(taken, read + kReadAhead);
  connection->close();
  co_await sleep(loop.runtime(), milliseconds(5));
}

TEST(ServerConnection, reads_ahead_no_more_than_64_KiB) {
  TestLoop loop;
  loop.run(read_ahead(loop));
}

// ---- lifetimes

Task<void> park(TestLoop& loop, std::string sent, bool serving) {
  Link link = co_await connect(loop);
  if (serving) loop.runtime().spawn(serve(loop, link.server));
  co_await say(*link.client, std::move(sent));
  co_await sleep(loop.runtime(), milliseconds(20));
}

TEST(ServerConnection, may_be_in_any_phase_when_the_runtime_ends) {
  for (const bool serving : {false, true})
    for (const char* sent :
         {"", "GET /", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
          "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", "GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /",
          "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"}) {
      TestLoop loop;
      loop.run(park(loop, sent, serving));
    }
}

}  // namespace
}  // namespace ccproxy::http
