// How a connection ends and what it holds: clients that leave, a server that drains, replies that
// are replaced or cut, reading ahead.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "http/server_connection.hpp"
#include "http/test_link.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::http {
namespace {

using net::sleep;
using net::TestLoop;
using std::chrono::milliseconds;
using std::chrono::seconds;

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
  co_await send_text(*link.client, "GET /");
  loop.runtime().spawn(leave_after(loop, *link.client, how));
  auto head = co_await link.server->read_request();
  CO_ASSERT(!head);
  EXPECT_EQ(head.error().kind, ErrorKind::kClosed);
}

Task<void> leave_in_body(TestLoop& loop, Leave how) {
  Link link = co_await connect(loop);
  co_await send_text(*link.client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
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
  co_await send_text(*link.client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
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
  link.server->on_gone([&calls] { ++calls; });  // a function that is set later is called at once
  EXPECT_EQ(calls, 2);
}

Task<void> leave_in_reply(TestLoop& loop, Leave how) {
  Link link = co_await connect(loop);
  co_await send_text(*link.client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
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

TEST(ServerEnding, notices_a_client_that_leaves_in_every_phase) {
  for (const Leave how : {Leave::kEnd, Leave::kReset})
    for (auto* phase :
         {leave_idle, leave_in_head, leave_in_body, leave_while_waiting, leave_in_reply}) {
      TestLoop loop;
      loop.run(phase(loop, how));
    }
}

Task<void> close_itself(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await send_text(*link.client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  bool called = false;
  link.server->on_gone([&called] { called = true; });
  link.server->close();
  co_await sleep(loop.runtime(), milliseconds(20));
  EXPECT_FALSE(called);
  EXPECT_FALSE(link.server->gone());
  auto written = co_await link.server->send_reply(200, {}, "x");
  EXPECT_FALSE(written);
  head = co_await link.server->read_request();
  CO_ASSERT(!head);
  EXPECT_EQ(head.error().kind, ErrorKind::kClosed);
}

TEST(ServerEnding, does_not_report_its_own_close_as_a_client_that_left) {
  TestLoop loop;
  loop.run(close_itself(loop));
}

Task<void> leave_with_last_byte(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await send_text(*link.client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  link.client->end_writing();
  co_await sleep(loop.runtime(), milliseconds(10));
  auto head = co_await link.server->read_request();  // what came before the end is served
  CO_ASSERT(head);
  auto body = co_await read_whole(*link.server);
  CO_ASSERT(body);
  EXPECT_EQ(*body, "hi");
  (void)co_await link.server->send_reply(200, {}, "still");
  head = co_await link.server->read_request();
  EXPECT_FALSE(head);
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, ok_reply("still"));
}

TEST(ServerEnding, serves_a_request_that_arrived_before_the_client_ended) {
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
  co_await send_text(*link.client, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  loop.runtime().spawn(drain_later(loop, link.server));
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, ok_reply("GET /slow <>", true));
}

Task<void> drain_in_head(TestLoop& loop) {
  Link link = co_await connect(loop);
  loop.runtime().spawn(serve(loop, link.server));
  co_await send_text(*link.client, "GET /a HTTP/1.1\r\n");
  co_await sleep(loop.runtime(), milliseconds(10));
  link.server->drain();
  co_await send_text(*link.client, "Host: a\r\n\r\n");
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, ok_reply("GET /a <>", true));
}

const std::string kBegun =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n";

// A reply whose head left before drain() did not have "connection: close".
Task<void> drain_in_reply(Link& link) {
  co_await send_text(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  link.server->begin_reply(200, {}, std::nullopt);
  (void)co_await link.server->write("one");
  link.server->drain();
  (void)co_await link.server->end_reply("two");
}

Task<void> drain_then_nothing(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await drain_in_reply(link);
  const auto began = Clock::now();
  auto head = co_await link.server->read_request();
  EXPECT_FALSE(head);
  EXPECT_LT(Clock::now() - began, seconds(10)) << "nobody waits for the keep-alive's time";
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, kBegun);
}

Task<void> drain_then_request(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await drain_in_reply(link);
  co_await send_text(*link.client, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  loop.runtime().spawn(serve(loop, link.server));
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, kBegun + ok_reply("GET /b <>", true));
}

TEST(ServerEnding, drain_finishes_a_request_that_has_begun) {
  for (auto* phase : {drain_idle, drain_busy, drain_in_head}) {
    TestLoop loop;
    loop.run(phase(loop));
  }
}

// Its client could not know that the connection ends, and may be about to use it again.
TEST(ServerEnding, drain_serves_one_more_request_after_a_reply_without_connection_close) {
  for (auto* phase : {drain_then_request, drain_then_nothing}) {
    TestLoop loop;
    loop.run(phase(loop));
  }
}

// ---- replies

Task<void> replace(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await send_text(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  EXPECT_FALSE(link.server->reply_begun());
  link.server->begin_reply(200, {}, 100);
  EXPECT_TRUE(link.server->reply_begun());
  EXPECT_TRUE(link.server->reply_unsent());
  link.server->discard_reply();
  EXPECT_FALSE(link.server->reply_begun());
  (void)co_await link.server->send_reply(502, {}, "no");
  const std::string expected = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 2\r\n\r\nno";
  std::string received = co_await net::read_exactly(*link.client, expected.size());
  EXPECT_EQ(received, expected);

  co_await send_text(*link.client, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
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

TEST(ServerEnding, can_replace_a_reply_until_its_head_is_sent) {
  TestLoop loop;
  loop.run(replace(loop));
}

Task<void> cut_reply(TestLoop& loop) {
  Link link = co_await connect(loop);
  co_await send_text(*link.client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  link.server->begin_reply(200, {}, 9);
  (void)co_await link.server->end_reply("half");
  head = co_await link.server->read_request();
  EXPECT_FALSE(head);
  const std::string received = co_await read_to_end(*link.client);
  EXPECT_EQ(received, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
}

TEST(ServerEnding, closes_after_a_reply_that_is_shorter_than_its_length) {
  TestLoop loop;
  loop.run(cut_reply(loop));
}

struct Cut {
  const char* description;
  const char* version;
  std::optional<std::uint64_t> length;
  std::string received;
};

Task<void> cut_in_body(TestLoop& loop, const Cut& row) {
  Link link = co_await connect(loop);
  co_await send_text(*link.client, std::string("GET /a ") + row.version + "\r\nHost: a\r\n\r\n");
  auto head = co_await link.server->read_request();
  CO_ASSERT(head);
  link.server->begin_reply(200, {}, row.length);
  (void)co_await link.server->write("half");
  const std::size_t seen = row.received.find("half") + 4;  // before a reset can overtake it
  std::string received = co_await net::read_exactly(*link.client, seen);
  link.server->cut_reply();
  received += co_await read_to_end(*link.client);
  EXPECT_EQ(received, row.received);
}

TEST(ServerEnding, shows_the_client_that_a_reply_was_cut) {
  const Cut rows[] = {
      {"chunks lack their last", "HTTP/1.1", std::nullopt,
       "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"},
      {"a body with a length is short", "HTTP/1.1", 9,
       "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"},
      {"a body that ends with its connection is reset", "HTTP/1.0", std::nullopt,
       "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf(broken)"},
  };
  for (const Cut& row : rows) {
    SCOPED_TRACE(row.description);
    TestLoop loop;
    loop.run(cut_in_body(loop, row));
  }
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
  bool is_idle() override { return false; }
  bool peer_has_closed() override { return false; }
  void end_writing() override {}
  void try_write(std::string_view) override {}
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

TEST(ServerEnding, reads_ahead_no_more_than_64_KiB) {
  TestLoop loop;
  loop.run(read_ahead(loop));
}

// ---- lifetimes

Task<void> park(TestLoop& loop, std::string sent, bool serving) {
  Link link = co_await connect(loop);
  if (serving) loop.runtime().spawn(serve(loop, link.server));
  co_await send_text(*link.client, std::move(sent));
  co_await sleep(loop.runtime(), milliseconds(20));
}

TEST(ServerEnding, may_be_in_any_phase_when_the_runtime_is_destroyed) {
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
