#include "net/tls.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "net/test_loop.hpp"

namespace ccproxy::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kLarge = std::size_t{8} << 20;

class Tls : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ccproxy-tls-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::string pem;
    auto server = TlsContext::throwaway_server(pem);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    const std::string ca_file = folder_ + "/ca.pem";
    std::ofstream(ca_file) << pem;
    auto client = TlsContext::client(ca_file);
    ASSERT_TRUE(client) << client.error().message;
    client_ = std::move(*client);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::unique_ptr<TlsContext> server_, client_;
};

using Wrapped = Result<std::unique_ptr<Stream>>;

struct Secured {
  Wrapped client = fail(ErrorKind::kInternal, "not begun");
  Wrapped server = fail(ErrorKind::kInternal, "not begun");
  Stream* below_client = nullptr;
  Stream* below_server = nullptr;
};

Task<void> wrap(Runtime& runtime, TlsContext& context, std::unique_ptr<Stream> stream,
                std::string host, Clock::duration limit, Wrapped& into) {
  into = co_await context.wrap(runtime, std::move(stream), std::move(host), limit);
}

Task<Secured> shake_hands(TestLoop& loop, TlsContext& client, TlsContext& server,
                          std::string host) {
  auto pair = co_await connect_pair(loop);
  Secured secured;
  secured.below_client = pair.client.get();
  secured.below_server = pair.server.get();
  Beside both(loop.runtime());
  both.start(wrap(loop.runtime(), client, std::move(pair.client), std::move(host), seconds(5),
                  secured.client));
  both.start(wrap(loop.runtime(), server, std::move(pair.server), "", seconds(5), secured.server));
  co_await both.wait();
  co_return secured;
}

Task<void> round_trip(TestLoop& loop, TlsContext& client, TlsContext& server, std::string host) {
  auto secured = co_await shake_hands(loop, client, server, host);
  CO_ASSERT(secured.client && secured.server);
  Stream& here = **secured.client;
  Stream& there = **secured.server;
  (void)co_await here.write("one ", "two ", "three");
  const std::string got = co_await read_exactly(there, 13);
  EXPECT_EQ(got, "one two three");
  (void)co_await there.write("back");
  const std::string back = co_await read_exactly(here, 4);
  EXPECT_EQ(back, "back");
  EXPECT_TRUE(here.is_idle());
  (void)co_await there.write("unasked");
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_FALSE(here.is_idle());
}

TEST_F(Tls, carries_bytes_to_each_name_of_the_certificate) {
  for (const char* host : {"localhost", "127.0.0.1", "::1"}) {
    SCOPED_TRACE(host);
    TestLoop loop;
    loop.run(round_trip(loop, *client_, *server_, host));
  }
}

Task<void> refuse(TestLoop& loop, TlsContext& client, TlsContext& server, std::string host,
                  std::string reason) {
  auto secured = co_await shake_hands(loop, client, server, host);
  CO_ASSERT(!secured.client && !secured.server);
  EXPECT_EQ(secured.client.error().kind, ErrorKind::kUpstreamUnreachable);
  EXPECT_EQ(secured.client.error().message, "the upstream's certificate is not trusted: " + reason);
}

TEST_F(Tls, refuses_a_certificate_for_another_host) {
  TestLoop loop;
  loop.run(refuse(loop, *client_, *server_, "example.com", "hostname mismatch"));
}

TEST_F(Tls, refuses_a_certificate_for_another_address) {
  TestLoop loop;
  loop.run(refuse(loop, *client_, *server_, "127.0.0.2", "IP address mismatch"));
}

// The subject's common name was accepted once.
TEST_F(Tls, accepts_the_alternative_names_of_a_certificate_only) {
  std::string pem;
  const auto server = TlsContext::throwaway_server(pem, {"localhost", "IP:127.0.0.1"});
  ASSERT_TRUE(server);
  std::ofstream(folder_ + "/common.pem") << pem;
  const auto client = TlsContext::client(folder_ + "/common.pem");
  ASSERT_TRUE(client);
  TestLoop loop;
  loop.run(refuse(loop, **client, **server, "localhost", "hostname mismatch"));
  TestLoop other;
  other.run(round_trip(other, **client, **server, "127.0.0.1"));
}

TEST_F(Tls, refuses_a_self_signed_certificate_that_it_does_not_trust) {
  auto stranger = TlsContext::client("");
  ASSERT_TRUE(stranger);
  TestLoop loop;
  loop.run(refuse(loop, **stranger, *server_, "localhost", "self-signed certificate"));
}

Task<void> without_name(TestLoop& loop, TlsContext& client) {
  auto pair = co_await connect_pair(loop);
  auto wrapped = co_await client.wrap(loop.runtime(), std::move(pair.client), "", seconds(5));
  CO_ASSERT(!wrapped);
  EXPECT_EQ(wrapped.error().kind, ErrorKind::kInternal);
}

TEST_F(Tls, refuses_a_client_handshake_without_a_host_name) {
  TestLoop loop;
  loop.run(without_name(loop, *client_));
}

TEST_F(Tls, names_the_file_of_certificates_that_it_cannot_read) {
  const std::string missing = folder_ + "/missing.pem", empty = folder_ + "/empty.pem";
  std::ofstream(empty).flush();
  for (const std::string& file : {missing, empty}) {
    auto client = TlsContext::client(file);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().kind, ErrorKind::kConfiguration);
    EXPECT_NE(client.error().message.find(file), std::string::npos) << client.error().message;
  }
}

Task<void> reuse(TestLoop& loop, TlsContext& client, TlsContext& server) {
  for (std::size_t i = 0; i < 4; ++i) {
    auto secured = co_await shake_hands(loop, client, server, "localhost");
    CO_ASSERT(secured.client && secured.server);
    EXPECT_EQ(client.resumed_handshakes(), i);
    (void)co_await (*secured.server)->write("hello");  // the ticket comes before it
    const std::string got = co_await read_exactly(**secured.client, 5);
    EXPECT_EQ(got, "hello");
    if (i == 1) (*secured.client)->close();  // the session outlives an orderly end and a drop
  }
  // Another host name does not use the session of the first.
  auto secured = co_await shake_hands(loop, client, server, "127.0.0.1");
  EXPECT_EQ(client.resumed_handshakes(), 3U);
}

TEST_F(Tls, resumes_the_session_of_an_earlier_connection) {
  TestLoop loop;
  loop.run(reuse(loop, *client_, *server_));
}

Task<void> write_all(Stream& stream, const std::string& bytes) {
  auto written = co_await stream.write(std::string_view(bytes).substr(0, 10), {},
                                       std::string_view(bytes).substr(10));
  EXPECT_TRUE(written);
}

Task<void> expect_all(Stream& stream, const std::string& bytes) {
  const std::string got = co_await read_exactly(stream, bytes.size());
  EXPECT_TRUE(got == bytes);
}

Task<void> exchange_much(TestLoop& loop, TlsContext& client, TlsContext& server) {
  std::string there(kLarge, '\0'), back(kLarge, '\0');
  for (std::size_t i = 0; i < kLarge; ++i) {
    there[i] = static_cast<char>(i * 7 + i / 4093);
    back[i] = static_cast<char>(i * 11 + i / 4099);
  }
  auto secured = co_await shake_hands(loop, client, server, "localhost");
  CO_ASSERT(secured.client && secured.server);
  Beside all(loop.runtime());
  all.start(write_all(**secured.client, there));
  all.start(write_all(**secured.server, back));
  all.start(expect_all(**secured.server, there));
  all.start(expect_all(**secured.client, back));
  co_await all.wait();
}

TEST_F(Tls, carries_much_both_ways_at_once) {
  TestLoop loop;
  loop.run(exchange_much(loop, *client_, *server_));
}

Task<void> ends(TestLoop& loop, TlsContext& client, TlsContext& server) {
  std::array<char, 8> room{};
  auto orderly = co_await shake_hands(loop, client, server, "localhost");
  CO_ASSERT(orderly.client && orderly.server);
  (*orderly.server)->end_writing();
  auto end = co_await (*orderly.client)->read_some(room);
  CO_ASSERT(end);
  EXPECT_EQ(*end, 0U);
  (void)co_await (*orderly.client)->write("late");  // the other way is still open
  const std::string late = co_await read_exactly(**orderly.server, 4);
  EXPECT_EQ(late, "late");

  auto closed = co_await shake_hands(loop, client, server, "localhost");
  CO_ASSERT(closed.client && closed.server);
  (*closed.server)->close();
  end = co_await (*closed.client)->read_some(room);
  CO_ASSERT(end);
  EXPECT_EQ(*end, 0U);
  end = co_await (*closed.server)->read_some(room);
  CO_ASSERT(!end);
  EXPECT_EQ(end.error().kind, ErrorKind::kClosed);

  auto cut = co_await shake_hands(loop, client, server, "localhost");
  CO_ASSERT(cut.client && cut.server);
  (void)co_await (*cut.server)->write("half");
  cut.below_server->close();
  const std::string half = co_await read_exactly(**cut.client, 4);
  EXPECT_EQ(half, "half");
  end = co_await (*cut.client)->read_some(room);
  CO_ASSERT(!end);
  EXPECT_EQ(end.error().kind, ErrorKind::kClosed);
  EXPECT_EQ(end.error().message, "the peer closed without ending TLS in order");
}

TEST_F(Tls, distinguishes_an_orderly_end_from_a_truncated_stream) {
  TestLoop loop;
  loop.run(ends(loop, *client_, *server_));
}

Task<void> garble(Stream& below, Stream& stream) {
  std::array<char, 8> room{};
  (void)co_await below.write("this is no TLS record, however you look at it");
  auto got = co_await stream.read_some(room);
  CO_ASSERT(!got);
  EXPECT_EQ(got.error().kind, ErrorKind::kClosed);
  auto written = co_await stream.write("x");
  EXPECT_FALSE(written);
}

Task<void> garbled(TestLoop& loop, TlsContext& client, TlsContext& server) {
  auto secured = co_await shake_hands(loop, client, server, "localhost");
  CO_ASSERT(secured.client && secured.server);
  co_await garble(*secured.below_server, **secured.client);
}

TEST_F(Tls, fails_on_bytes_that_are_not_tls) {
  TestLoop loop;
  loop.run(garbled(loop, *client_, *server_));
}

Task<void> fail_handshake(TestLoop& loop, TlsContext& client, std::string response, bool close,
                          ErrorKind kind, std::string part) {
  auto pair = co_await connect_pair(loop);
  if (!response.empty()) (void)co_await pair.server->write(response);
  if (close) pair.server->end_writing();
  const auto began = Clock::now();
  auto wrapped =
      co_await client.wrap(loop.runtime(), std::move(pair.client), "localhost", milliseconds(300));
  CO_ASSERT(!wrapped);
  EXPECT_EQ(wrapped.error().kind, kind);
  EXPECT_NE(wrapped.error().message.find(part), std::string::npos) << wrapped.error().message;
  EXPECT_LT(Clock::now() - began, seconds(2));
}

TEST_F(Tls, reports_why_a_handshake_has_failed) {
  const auto expect = [&](std::string response, bool close, ErrorKind kind, std::string part) {
    TestLoop loop;
    loop.run(fail_handshake(loop, *client_, std::move(response), close, kind, std::move(part)));
  };
  expect("", false, ErrorKind::kTimedOut, "timeouts.tlsSeconds");
  expect("", true, ErrorKind::kUpstreamUnreachable, "closed during the TLS handshake");
  expect("HTTP/1.1 400 Bad Request\r\n\r\n", false, ErrorKind::kUpstreamUnreachable,
         "the TLS handshake failed: wrong version number");
}

Task<void> close_later(Runtime& runtime, Stream& below) {
  co_await sleep(runtime, milliseconds(20));
  below.close();
}

Task<void> close_in_handshake(TestLoop& loop, TlsContext& client) {
  auto pair = co_await connect_pair(loop);
  loop.runtime().spawn(close_later(loop.runtime(), *pair.client));
  auto wrapped =
      co_await client.wrap(loop.runtime(), std::move(pair.client), "localhost", seconds(50));
  CO_ASSERT(!wrapped);
  EXPECT_EQ(wrapped.error().kind, ErrorKind::kUpstreamUnreachable);
}

TEST_F(Tls, handshake_fails_when_its_stream_is_closed) {
  TestLoop loop;
  loop.run(close_in_handshake(loop, *client_));
}

Task<void> expect_end(Stream& stream, ErrorKind kind) {
  std::array<char, 8> room{};
  auto got = co_await stream.read_some(room);
  CO_ASSERT(!got);
  EXPECT_EQ(got.error().kind, kind);
}

Task<void> wake_reader(TestLoop& loop, TlsContext& client, TlsContext& server) {
  auto secured = co_await shake_hands(loop, client, server, "localhost");
  CO_ASSERT(secured.client && secured.server);
  Beside reader(loop.runtime());
  reader.start(expect_end(**secured.client, ErrorKind::kClosed));
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_FALSE(reader.idle());
  (*secured.client)->close();
  co_await reader.wait();

  auto slow = co_await shake_hands(loop, client, server, "localhost");
  CO_ASSERT(slow.client && slow.server);
  (*slow.client)->expires_after(milliseconds(20));
  co_await expect_end(**slow.client, ErrorKind::kTimedOut);
}

TEST_F(Tls, close_and_deadline_end_a_read_that_waits) {
  TestLoop loop;
  loop.run(wake_reader(loop, *client_, *server_));
}

Task<void> leave_reading(TestLoop& loop, TlsContext& client, TlsContext& server, Event& parked) {
  auto secured = co_await shake_hands(loop, client, server, "localhost");
  CO_ASSERT(secured.client && secured.server);
  parked.notify();
  std::array<char, 8> room{};
  (void)co_await (*secured.client)->read_some(room);
  ADD_FAILURE() << "the read ended";
}

Task<void> leave(TestLoop& loop, TlsContext& client, TlsContext& server) {
  Event parked(loop.runtime());
  loop.runtime().spawn(leave_reading(loop, client, server, parked));
  co_await parked.wait();
  co_await sleep(loop.runtime(), milliseconds(5));
}

TEST_F(Tls, may_be_in_use_when_the_runtime_is_destroyed) {
  TestLoop loop;
  loop.run(leave(loop, *client_, *server_));
}

}  // namespace
}  // namespace ccproxy::net
