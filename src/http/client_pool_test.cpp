// Connections over several calls: which ones are reused, which ones are closed, and calls that end
// early.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "http/client.hpp"
#include "http/test_upstream.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::http {
namespace {

using net::sleep;
using net::TestLoop;
using std::chrono::milliseconds;
using std::chrono::seconds;

using CallPtr = std::shared_ptr<Call>;

// ---- the pool

Task<void> last_first(TestLoop& loop) {
  Upstream upstream(loop, {{{ok("1")}, {ok("1")}}, {{ok("2")}, {ok("2")}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  const OutgoingRequest request = get();
  std::array<CallPtr, 2> calls;
  for (CallPtr& call : calls) {
    auto opened = co_await client.open(false);
    CO_ASSERT(opened);
    call = std::move(*opened);
    (void)co_await call->send(request, {}, true);
    const std::string got = co_await read_response(*call);
    EXPECT_EQ(got, &call == &calls[0] ? "200 1" : "200 2");
  }
  calls[0].reset();
  calls[1].reset();
  const std::string got = co_await get_response(client);
  EXPECT_EQ(got, "200 2");  // the connection that was used last
  EXPECT_EQ(upstream.connections(), 2U);
  const std::string fresh = co_await get_response(client, true);
  EXPECT_EQ(upstream.connections(), 3U);
}

TEST(ClientPool, reuses_the_connection_used_last_unless_a_new_one_is_requested) {
  TestLoop loop;
  loop.run(last_first(loop));
}

Task<void> dead_idle(TestLoop& loop, std::string end) {
  // The first connection ends while it is idle.
  Upstream upstream(loop, {{{ok("1"), kPause, end}}, {{ok("2")}, {ok("2")}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  const std::string first = co_await get_response(client);
  EXPECT_EQ(first, "200 1");
  co_await sleep(loop.runtime(), milliseconds(60));
  auto call = co_await client.open(false);
  CO_ASSERT(call);
  EXPECT_FALSE((*call)->reused());
  const OutgoingRequest request = get();
  (void)co_await (*call)->send(request, {}, true);
  const std::string second = co_await read_response(**call);
  EXPECT_EQ(second, "200 2");
}

TEST(ClientPool, does_not_reuse_a_connection_that_was_closed_or_received_bytes_while_idle) {
  for (const std::string& end : {kClose, kReset, ok("unasked")}) {
    SCOPED_TRACE(end);
    TestLoop loop;
    loop.run(dead_idle(loop, end));
  }
}

Task<void> idle_too_long(TestLoop& loop) {
  Upstream upstream(loop, {{{ok("1")}}});
  ClientLimits limits;
  limits.keep_alive = milliseconds(50);
  Client client(loop.runtime(), upstream.origin(), nullptr, limits);
  const std::string first = co_await get_response(client);
  EXPECT_EQ(upstream.open(), 1U);
  co_await sleep(loop.runtime(), milliseconds(150));
  EXPECT_EQ(upstream.open(), 0U);
}

TEST(ClientPool, closes_connections_that_are_idle_too_long) {
  TestLoop loop;
  loop.run(idle_too_long(loop));
}

Task<void> drain(TestLoop& loop) {
  Upstream upstream(loop, {{{ok("1")}, {ok("1")}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  auto running = co_await client.open(false);
  CO_ASSERT(running);
  const std::string rested = co_await get_response(client);
  EXPECT_EQ(upstream.open(), 2U);
  client.drain();
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_EQ(upstream.open(), 1U);
  const OutgoingRequest request = get();
  (void)co_await (*running)->send(request, {}, true);
  const std::string got = co_await read_response(**running);
  EXPECT_EQ(got, "200 1");
  running->reset();
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_EQ(upstream.open(), 0U);
}

TEST(ClientPool, drain_closes_idle_connections_and_lets_calls_finish) {
  TestLoop loop;
  loop.run(drain(loop));
}

Task<void> outlive(TestLoop& loop) {
  Upstream upstream(loop, {{{ok("1")}}});
  auto client =
      std::make_unique<Client>(loop.runtime(), upstream.origin(), nullptr, ClientLimits{});
  auto call = co_await client->open(false);
  CO_ASSERT(call);
  client.reset();
  const OutgoingRequest request = get();
  (void)co_await (*call)->send(request, {}, true);
  const std::string got = co_await read_response(**call);
  EXPECT_EQ(got, "200 1");
}

TEST(ClientPool, may_be_destroyed_before_its_calls) {
  TestLoop loop;
  loop.run(outlive(loop));
}

// ---- calls that are aborted or dropped

Task<void> abort_later(TestLoop& loop, CallPtr call) {
  co_await sleep(loop.runtime(), milliseconds(20));
  call->abort();
}

Task<void> drop_later(TestLoop& loop, CallPtr& call) {
  co_await sleep(loop.runtime(), milliseconds(20));
  call.reset();
}

// `reply` leaves the client waiting for the head or in the body.
Task<void> give_up(TestLoop& loop, Reply reply, bool drop) {
  Upstream upstream(loop, {{reply}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  auto opened = co_await client.open(false);
  CO_ASSERT(opened);
  CallPtr call = std::move(*opened);
  Call& used = *call;  // this coroutine does not share ownership
  const OutgoingRequest request = get();
  (void)co_await used.send(request, {}, true);
  if (drop) {
    loop.runtime().spawn(drop_later(loop, call));
  } else {
    loop.runtime().spawn(abort_later(loop, call));
  }
  const auto began = Clock::now();
  auto head = co_await used.read_head();
  Result<std::string_view> piece;
  while (head && piece && call) piece = co_await used.read_body();
  EXPECT_EQ(head ? describe_failure(piece.error()) : describe_failure(head.error()), "closed");
  EXPECT_LT(Clock::now() - began, seconds(1));
  call.reset();
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_EQ(upstream.open(), 0U);
}

TEST(ClientPool, ends_a_call_that_is_aborted_or_dropped_while_it_waits) {
  for (const bool drop : {false, true})
    for (const Reply& reply : {Reply{kSilence}, Reply{"HTTP/1.1 200 OK\r\n", kSilence},
                               Reply{kChunked, kSilence}, Reply{kChunked + "2\r\nhi", kSilence}}) {
      SCOPED_TRACE(testing::Message() << (drop ? "dropped, " : "aborted, ") << reply.front());
      TestLoop loop;
      loop.run(give_up(loop, reply, drop));
    }
}

Task<void> give_up_writing(TestLoop& loop) {
  auto deaf = net::Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
  CO_ASSERT(deaf);
  const Origin origin{false, "127.0.0.1", (*deaf)->port(), "a"};
  Client client(loop.runtime(), origin, nullptr, {});
  auto call = co_await client.open(false);
  CO_ASSERT(call);
  loop.runtime().spawn(abort_later(loop, *call));
  const std::string body(std::size_t{32} << 20, 'x');
  const OutgoingRequest request{"POST", "/", {}, body.size()};
  auto sent = co_await (*call)->send(request, body, true);
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error().kind, ErrorKind::kClosed);
  auto head = co_await (*call)->read_head();
  EXPECT_FALSE(head);
}

TEST(ClientPool, ends_a_call_that_is_aborted_while_it_sends) {
  TestLoop loop;
  loop.run(give_up_writing(loop));
}

Task<void> drop_midway(TestLoop& loop) {
  Upstream upstream(loop, {{{kChunked + "2\r\nhi\r\n", kSilence}}, {{ok("2")}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  auto call = co_await client.open(false);
  CO_ASSERT(call);
  const OutgoingRequest request = get();
  (void)co_await (*call)->send(request, {}, true);
  (void)co_await (*call)->read_head();
  auto piece = co_await (*call)->read_body();
  EXPECT_EQ(piece.value(), "hi");
  call->reset();
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_EQ(upstream.open(), 0U);
  const std::string next = co_await get_response(client);
  EXPECT_EQ(next, "200 2");
}

TEST(ClientPool, closes_the_connection_of_a_call_that_is_dropped_in_the_body) {
  TestLoop loop;
  loop.run(drop_midway(loop));
}

Task<void> unused(TestLoop& loop) {
  Upstream upstream(loop, {{{ok("1")}, {ok("1")}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  const std::string first = co_await get_response(client);
  {
    auto call = co_await client.open(false);
    CO_ASSERT(call);
    EXPECT_TRUE((*call)->reused());  // and not used
  }
  const std::string second = co_await get_response(client);
  EXPECT_EQ(second, "200 1");
  EXPECT_EQ(upstream.connections(), 1U);
}

TEST(ClientPool, reuses_a_connection_whose_call_sent_nothing) {
  TestLoop loop;
  loop.run(unused(loop));
}

Task<void> response_before_request_end(TestLoop& loop) {
  Upstream upstream(loop, {{{ok("1")}, {ok("1")}}});
  Client client(loop.runtime(), upstream.origin(), nullptr, {});
  auto call = co_await client.open(false);
  CO_ASSERT(call);
  const OutgoingRequest request{"POST", "/", {}, 0};
  (void)co_await (*call)->send(request, {}, false);  // its end is not sent
  const std::string got = co_await read_response(**call);
  EXPECT_EQ(got, "200 1");
  call->reset();
  co_await sleep(loop.runtime(), milliseconds(10));
  EXPECT_EQ(upstream.open(), 0U);
}

TEST(ClientPool, closes_a_connection_whose_request_was_not_sent_whole) {
  TestLoop loop;
  loop.run(response_before_request_end(loop));
}

// ---- TLS

class ClientOverTls : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ccproxy-client-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::string pem;
    auto server = net::TlsContext::throwaway_server(pem);
    ASSERT_TRUE(server);
    server_ = std::move(*server);
    std::ofstream(folder_ + "/ca.pem") << pem;
    auto client = net::TlsContext::client(folder_ + "/ca.pem");
    ASSERT_TRUE(client);
    client_ = std::move(*client);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
  std::unique_ptr<net::TlsContext> server_, client_;
};

Task<void> serve_tls(TestLoop& loop, net::Listener& listener, net::TlsContext& context) {
  while (true) {
    auto raw = co_await listener.accept();
    if (!raw) co_return;
    auto stream = co_await context.wrap(loop.runtime(), std::move(*raw), "", seconds(5));
    if (!stream) continue;
    const std::string request = "GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for (int i = 0; i < 2; ++i) {
      const std::string got = co_await net::read_exactly(**stream, request.size());
      if (got != request) break;
      const std::string reply = ok("secret");
      (void)co_await (*stream)->write(reply);
    }
  }
}

Task<void> request_over_tls(TestLoop& loop, net::TlsContext& client_context,
                            net::TlsContext& server) {
  auto listener = net::Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
  CO_ASSERT(listener);
  loop.runtime().spawn(serve_tls(loop, **listener, server));
  const Origin origin{true, "localhost", (*listener)->port(), "localhost"};
  Client client(loop.runtime(), origin, &client_context, {});
  for (int i = 0; i < 4; ++i) {  // two on each connection
    const std::string got = co_await get_response(client);
    EXPECT_EQ(got, "200 secret");
  }
  EXPECT_EQ(client_context.resumed_handshakes(), 1U);
}

TEST_F(ClientOverTls, reuses_connections_and_sessions) {
  TestLoop loop;
  loop.run(request_over_tls(loop, *client_, *server_));
}

Task<void> cancel_later(TestLoop& loop, net::Cancellation& cancellation) {
  co_await sleep(loop.runtime(), milliseconds(30));
  cancellation.cancel();
}

// The upstream accepts the connection, and sends nothing after the TLS client hello.
Task<void> cancel_handshake(TestLoop& loop, net::TlsContext& context) {
  auto silent = net::Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
  CO_ASSERT(silent);
  const Origin origin{true, "localhost", (*silent)->port(), "localhost"};
  Client client(loop.runtime(), origin, &context, {});
  net::Cancellation cancellation;
  loop.runtime().spawn(cancel_later(loop, cancellation));
  const auto began = Clock::now();
  auto call = co_await client.open(false, &cancellation);
  CO_ASSERT(!call);
  EXPECT_EQ(call.error().kind, ErrorKind::kClosed);
  EXPECT_LT(Clock::now() - began, seconds(1));
}

TEST_F(ClientOverTls, ends_a_handshake_that_is_cancelled) {
  TestLoop loop;
  loop.run(cancel_handshake(loop, *client_));
}

// ---- lifetimes

Task<void> wait_in(Client& client) {
  const std::string got = co_await get_response(client);
  ADD_FAILURE() << "the call ended: " << got;
}

Task<void> leave(TestLoop& loop, Upstream& upstream, Client& client) {
  loop.runtime().spawn(wait_in(client));
  co_await sleep(loop.runtime(), milliseconds(20));
  EXPECT_EQ(upstream.connections(), 1U);
}

TEST(ClientPool, may_have_running_calls_when_the_runtime_is_destroyed) {
  for (const Reply& reply : {Reply{kSilence}, Reply{kChunked + "2\r\nhi", kSilence}}) {
    auto loop = std::make_unique<TestLoop>();
    Upstream upstream(*loop, {{reply}});
    Client client(loop->runtime(), upstream.origin(), nullptr, {});
    loop->run(leave(*loop, upstream, client));
  }
}

}  // namespace
}  // namespace ccproxy::http
