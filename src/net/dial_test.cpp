#include "net/dial.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "net/test_loop.hpp"

namespace ccproxy::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A port where connecting neither succeeds nor fails: a listener whose queue is full.
class Blackhole {
 public:
  Blackhole() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    sockets_.push_back(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::bind(sockets_[0], raw, size), 0);
    ::listen(sockets_[0], 0);
    ::getsockname(sockets_[0], raw, &size);
    port_ = ntohs(address.sin_port);
    for (int i = 0; i < 4; ++i) {
      sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)::connect(sockets_.back(), raw, size);
    }
  }
  Blackhole(const Blackhole&) = delete;
  Blackhole& operator=(const Blackhole&) = delete;
  Blackhole(Blackhole&&) = delete;
  Blackhole& operator=(Blackhole&&) = delete;
  ~Blackhole() {
    for (const int socket : sockets_) ::close(socket);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  std::vector<int> sockets_;
  std::uint16_t port_ = 0;
};

Task<void> refused(TestLoop& loop) {
  std::uint16_t port = 0;
  {
    auto listener = Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
    port = (*listener)->port();
  }
  const auto began = Clock::now();
  auto dialled = co_await dial(loop.runtime(), loop.resolver(), "127.0.0.1", port, seconds(10));
  CO_ASSERT(!dialled);
  EXPECT_EQ(dialled.error().kind, ErrorKind::kUpstreamUnreachable);
  EXPECT_NE(dialled.error().message.find("127.0.0.1:" + std::to_string(port)), std::string::npos)
      << dialled.error().message;
  EXPECT_LT(Clock::now() - began, seconds(1));
}

TEST(Dial, fails_at_once_where_nobody_listens_on_the_port) {
  TestLoop loop;
  loop.run(refused(loop));
}

Task<void> too_long(TestLoop& loop, std::uint16_t port) {
  const auto began = Clock::now();
  auto dialled =
      co_await dial(loop.runtime(), loop.resolver(), "127.0.0.1", port, milliseconds(100));
  CO_ASSERT(!dialled);
  EXPECT_EQ(dialled.error().kind, ErrorKind::kTimedOut);
  EXPECT_NE(dialled.error().message.find("timeouts.connectSeconds"), std::string::npos);
  EXPECT_GE(Clock::now() - began, milliseconds(100));
  EXPECT_LT(Clock::now() - began, seconds(1));
}

TEST(Dial, fails_when_its_limit_expires) {
  const Blackhole hole;
  TestLoop loop;
  loop.run(too_long(loop, hole.port()));
}

Task<void> cancel_after(Runtime& runtime, Cancellation& cancellation) {
  co_await sleep(runtime, milliseconds(30));
  cancellation.cancel();
}

Task<void> cancelled(TestLoop& loop, std::uint16_t port) {
  Cancellation cancellation;
  loop.runtime().spawn(cancel_after(loop.runtime(), cancellation));
  const auto began = Clock::now();
  auto dialled =
      co_await dial(loop.runtime(), loop.resolver(), "127.0.0.1", port, seconds(50), &cancellation);
  CO_ASSERT(!dialled);
  EXPECT_EQ(dialled.error().kind, ErrorKind::kClosed);
  EXPECT_LT(Clock::now() - began, seconds(1));
  // A dial that was cancelled before does not begin.
  dialled =
      co_await dial(loop.runtime(), loop.resolver(), "127.0.0.1", port, seconds(50), &cancellation);
  CO_ASSERT(!dialled);
  EXPECT_EQ(dialled.error().kind, ErrorKind::kClosed);
}

TEST(Dial, ends_when_it_is_cancelled) {
  const Blackhole hole;
  TestLoop loop;
  loop.run(cancelled(loop, hole.port()));
}

Task<void> by_name(TestLoop& loop) {
  // On most machines localhost is also ::1, where nobody listens on this port.
  auto listener = Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
  CO_ASSERT(listener);
  const std::uint16_t port = (*listener)->port();
  for (int i = 0; i < 2; ++i) {  // the second time from the resolver's cache
    auto dialled = co_await dial(loop.runtime(), loop.resolver(), "localhost", port, seconds(10));
    CO_ASSERT(dialled);
    auto accepted = co_await (*listener)->accept();
    EXPECT_TRUE(accepted);
  }
}

TEST(Dial, tries_every_address_of_a_name) {
  TestLoop loop;
  loop.run(by_name(loop));
}

Task<void> bad_name(TestLoop& loop) {
  auto dialled = co_await dial(loop.runtime(), loop.resolver(), "no..such.name", 1, seconds(30));
  CO_ASSERT(!dialled);
  EXPECT_EQ(dialled.error().kind, ErrorKind::kUpstreamUnreachable);
  EXPECT_NE(dialled.error().message.find("cannot find the address of no..such.name"),
            std::string::npos)
      << dialled.error().message;
}

TEST(Dial, names_the_host_whose_address_is_unknown) {
  TestLoop loop;
  loop.run(bad_name(loop));
}

Task<void> leave_dialling(TestLoop& loop, std::uint16_t port, Cancellation& cancellation) {
  auto dialled =
      co_await dial(loop.runtime(), loop.resolver(), "127.0.0.1", port, seconds(50), &cancellation);
  ADD_FAILURE() << "the dial ended";
}

Task<void> leave(TestLoop& loop, std::uint16_t port, Cancellation& cancellation) {
  loop.runtime().spawn(leave_dialling(loop, port, cancellation));
  co_await sleep(loop.runtime(), milliseconds(20));
}

TEST(Dial, may_be_running_when_the_runtime_is_destroyed) {
  const Blackhole hole;
  TestLoop loop;
  Cancellation cancellation;
  loop.run(leave(loop, hole.port(), cancellation));
  cancellation.disarm();
}

// ---- a resolver that is destroyed

// Memory for a resolver, which the test overwrites after it has destroyed the resolver.
struct ResolverStorage {
  alignas(Resolver) std::array<std::byte, sizeof(Resolver)> bytes{};
};

Task<void> resolver_gone(TestLoop& loop) {
  ResolverStorage storage;
  auto* const resolver = new (storage.bytes.data()) Resolver(loop.runtime());
  auto numeric = resolver->resolve("127.0.0.1"), named = resolver->resolve("localhost");
  resolver->~Resolver();
  storage.bytes.fill(std::byte{0});
  const auto first = co_await std::move(numeric);
  CO_ASSERT(first);
  EXPECT_EQ(first->at(0).ip, "127.0.0.1");
  const auto second = co_await std::move(named);
  CO_ASSERT(second);
  EXPECT_FALSE(second->empty());
}

// A look-up runs beside the dial that began it, and the upstream may be replaced before it starts.
TEST(Resolver, may_be_destroyed_before_its_look_ups_end) {
  TestLoop loop;
  loop.run(resolver_gone(loop));
}

// ---- addresses

std::vector<Address> addresses(std::string_view families) {
  std::vector<Address> all;
  for (const char family : families) all.push_back({std::to_string(all.size()), family == '6'});
  return all;
}

TEST(Interleave, alternates_families_and_keeps_the_order_within_each) {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},     {"4", "0"},           {"6644", "0213"}, {"4466", "0213"}, {"666644", "041523"},
      {"64", "01"}, {"644444", "012345"},
  };
  for (const auto& [families, order] : rows) {
    std::string seen;
    for (const Address& address : interleave(addresses(families))) seen += address.ip;
    EXPECT_EQ(seen, order) << families;
  }
}

TEST(NumericAddress, reads_both_families_and_no_names) {
  EXPECT_EQ(numeric_address("127.0.0.1").at(0).ip, "127.0.0.1");
  EXPECT_FALSE(numeric_address("127.0.0.1").at(0).is_v6);
  EXPECT_TRUE(numeric_address("::1").at(0).is_v6);
  for (const char* name : {"", "localhost", "127.0.0", "127.0.0.1.", "[::1]", "1.2.3.4:80"})
    EXPECT_TRUE(numeric_address(name).empty()) << name;
}

}  // namespace
}  // namespace ccproxy::net
