#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "net/stream.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kLarge = std::size_t{16} << 20;

std::string pattern(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (char& c : text) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24U);
  }
  return text;
}

Task<void> exchange(TestLoop& loop) {
  auto pair = co_await connect_pair(loop);
  auto written = co_await pair.client->write("one ", "two ", "three");
  EXPECT_TRUE(written);
  const std::string got = co_await read_exactly(*pair.server, 13);
  EXPECT_EQ(got, "one two three");
  written = co_await pair.client->write("");  // nothing to write is no error
  EXPECT_TRUE(written);
  pair.client->end_writing();
  std::array<char, 8> room{};
  for (int i = 0; i < 2; ++i) {  // each read reports the end
    auto end = co_await pair.server->read_some(room);
    EXPECT_EQ(end.value(), 0U);
  }
  written = co_await pair.server->write("back");  // the other way is still open
  EXPECT_TRUE(written);
  const std::string back = co_await read_exactly(*pair.client, 4);
  EXPECT_EQ(back, "back");
}

TEST(SocketStream, carries_bytes_in_order_and_reports_an_orderly_end) {
  TestLoop loop;
  loop.run(exchange(loop));
}

Task<void> write_all(Stream& stream, const std::string& bytes) {
  auto written = co_await stream.write(std::string_view(bytes).substr(0, 1000),
                                       std::string_view(bytes).substr(1000, 5'000'000),
                                       std::string_view(bytes).substr(5'001'000));
  EXPECT_TRUE(written);
}

Task<void> expect_all(Stream& stream, const std::string& bytes) {
  const std::string got = co_await read_exactly(stream, bytes.size());
  EXPECT_TRUE(got == bytes);
}

Task<void> exchange_much(TestLoop& loop) {
  const std::string there = pattern(kLarge, 1), back = pattern(kLarge, 2);
  auto pair = co_await connect_pair(loop);
  Beside all(loop.runtime());
  all.start(write_all(*pair.client, there));
  all.start(write_all(*pair.server, back));
  all.start(expect_all(*pair.server, there));
  all.start(expect_all(*pair.client, back));
  co_await all.wait();
}

TEST(SocketStream, carries_much_both_ways_at_once) {
  TestLoop loop;
  loop.run(exchange_much(loop));
}

Task<void> read_too_long(TestLoop& loop) {
  auto pair = co_await connect_pair(loop);
  std::array<char, 8> room{};
  pair.server->expires_after(milliseconds(30));
  auto got = co_await pair.server->read_some(room);
  EXPECT_EQ(got.error().kind, ErrorKind::kTimedOut);
  auto written = co_await pair.server->write("x");  // it is closed now
  EXPECT_EQ(written.error().kind, ErrorKind::kTimedOut);
  auto end = co_await pair.client->read_some(room);
  EXPECT_EQ(end.value(), 0U);
}

TEST(SocketStream, closes_when_a_read_takes_too_long) {
  TestLoop loop;
  loop.run(read_too_long(loop));
}

Task<void> write_too_long(TestLoop& loop) {
  auto pair = co_await connect_pair(loop);
  const std::string much(std::size_t{64} << 20, 'x');  // more than two sockets hold
  pair.server->expires_after(milliseconds(200));
  auto written = co_await pair.server->write(much);
  EXPECT_EQ(written.error().kind, ErrorKind::kTimedOut);
}

TEST(SocketStream, closes_when_the_peer_does_not_read) {
  TestLoop loop;
  loop.run(write_too_long(loop));
}

Task<void> no_deadline(TestLoop& loop) {
  auto pair = co_await connect_pair(loop);
  pair.server->expires_after(milliseconds(30));
  pair.server->never_expires();
  co_await sleep(loop.runtime(), milliseconds(60));
  (void)co_await pair.client->write("still");
  const std::string got = co_await read_exactly(*pair.server, 5);
  EXPECT_EQ(got, "still");
}

TEST(SocketStream, never_expires_after_its_deadline_was_removed) {
  TestLoop loop;
  loop.run(no_deadline(loop));
}

Task<void> expect_closed(Stream& stream) {
  std::array<char, 8> room{};
  auto got = co_await stream.read_some(room);
  EXPECT_EQ(got.error().kind, ErrorKind::kClosed);
}

Task<void> close_while_reading(TestLoop& loop) {
  auto pair = co_await connect_pair(loop);
  Beside reader(loop.runtime());
  reader.start(expect_closed(*pair.server));
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_FALSE(reader.idle());
  pair.server->close();
  pair.server->close();
  co_await reader.wait();
  auto written = co_await pair.server->write("x");
  EXPECT_EQ(written.error().kind, ErrorKind::kClosed);
  EXPECT_FALSE(pair.server->is_idle());
  pair.server->end_writing();
  pair.server->try_write("x");
}

TEST(SocketStream, close_ends_a_read_that_waits) {
  TestLoop loop;
  loop.run(close_while_reading(loop));
}

Task<void> reset_peer(TestLoop& loop) {
  auto pair = co_await connect_pair(loop);
  pair.server->reset();
  co_await expect_closed(*pair.client);
  co_await expect_closed(*pair.client);
}

TEST(SocketStream, reports_a_reset_as_an_error) {
  TestLoop loop;
  loop.run(reset_peer(loop));
}

Task<void> quiet(TestLoop& loop) {
  auto talker = co_await connect_pair(loop);
  EXPECT_TRUE(talker.client->is_idle());
  (void)co_await talker.server->write("unasked");
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_FALSE(talker.client->is_idle());

  auto leaver = co_await connect_pair(loop);
  leaver.server->close();
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_FALSE(leaver.client->is_idle());

  auto breaker = co_await connect_pair(loop);
  breaker.server->reset();
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_FALSE(breaker.client->is_idle());
}

TEST(SocketStream, is_idle_until_the_peer_sends_or_closes) {
  TestLoop loop;
  loop.run(quiet(loop));
}

// All of these writes fit into the socket's buffer, so that the writer never waits for the peer.
Task<void> write_on_and_on(TestLoop& loop) {
  auto pair = co_await connect_pair(loop);
  bool others_ran = false;
  loop.runtime().post([&others_ran] { others_ran = true; });
  for (int i = 0; i < 1000; ++i) (void)co_await pair.client->write("x");
  EXPECT_TRUE(others_ran);
}

TEST(SocketStream, lets_other_work_run_between_writes_that_never_wait) {
  TestLoop loop;
  loop.run(write_on_and_on(loop));
}

Task<void> last_words(TestLoop& loop) {
  auto pair = co_await connect_pair(loop);
  pair.server->try_write("bye");
  pair.server->close();
  const std::string got = co_await read_exactly(*pair.client, 10);
  EXPECT_EQ(got, "bye");
}

TEST(SocketStream, try_write_delivers_bytes_just_before_close) {
  TestLoop loop;
  loop.run(last_words(loop));
}

}  // namespace
}  // namespace ccproxy::net
