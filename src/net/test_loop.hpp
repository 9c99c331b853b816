// For tests of coroutines: a loop that runs one coroutine to its end, and a connected pair of
// streams. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "net/dial.hpp"
#include "net/listener.hpp"
#include "net/resolve.hpp"
#include "net/runtime.hpp"
#include "net/stream.hpp"

// ASSERT_TRUE for coroutines, in which `return` does not compile.
#define CO_ASSERT(condition)                                   \
  do {                                                         \
    const bool holds = static_cast<bool>(condition);           \
    EXPECT_TRUE(holds) << #condition << ", line " << __LINE__; \
    if (!holds) co_return;                                     \
  } while (false)

namespace ccproxy::net {

class TestLoop {
 public:
  // Runs until `body` ends. Coroutines that it has spawned are then freed without being resumed.
  // Call it once.
  void run(Task<void> body, Clock::duration limit = std::chrono::seconds(60)) {
    Deadline too_long(runtime_, [this] {
      ADD_FAILURE() << "the test did not end within its limit";
      runtime_.stop();
    });
    too_long.expires_after(limit);
    runtime_.spawn(then_stop(runtime_, std::move(body)));
    runtime_.run();
  }

  [[nodiscard]] Runtime& runtime() { return runtime_; }
  [[nodiscard]] Resolver& resolver() { return resolver_; }

 private:
  static Task<void> then_stop(Runtime& runtime, Task<void> body) {
    co_await std::move(body);
    runtime.stop();
  }

  Runtime runtime_;
  Resolver resolver_{runtime_};
};

// Runs coroutines side by side and waits until all of them have ended.
class Beside {
 public:
  explicit Beside(Runtime& runtime) : runtime_(runtime), done_(runtime) {}
  void start(Task<void> task) {
    ++running_;
    runtime_.spawn(count(std::move(task)));
  }
  Task<void> wait() {
    while (running_ > 0) co_await done_.wait();
  }
  [[nodiscard]] bool idle() const { return running_ == 0; }

 private:
  Task<void> count(Task<void> task) {
    co_await std::move(task);
    --running_;
    done_.notify();
  }
  Runtime& runtime_;
  Event done_;
  int running_ = 0;
};

struct Pair {
  std::unique_ptr<Stream> client, server;
};

// A client and a server over the loopback interface.
inline Task<Pair> connect_pair(TestLoop& loop) {
  auto listener = Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
  const std::uint16_t port = (*listener)->port();
  Pair pair;
  auto client =
      co_await dial(loop.runtime(), loop.resolver(), "127.0.0.1", port, std::chrono::seconds(5));
  auto server = co_await (*listener)->accept();
  pair.client = std::move(client.value());
  pair.server = std::move(server.value());
  co_return pair;
}

// Reads `size` bytes; fewer when the stream ends or fails before.
inline Task<std::string> read_exactly(Stream& stream, std::size_t size) {
  std::string all(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const std::span<char> room(all.data() + have, size - have);
    auto got = co_await stream.read_some(room);
    if (!got || *got == 0) break;
    have += *got;
  }
  all.resize(have);
  co_return all;
}

// Sets a flag when the coroutine frame in which it stands is destroyed.
struct Tombstone {
  explicit Tombstone(bool& flag) : freed(&flag) {}
  Tombstone(const Tombstone&) = delete;
  Tombstone& operator=(const Tombstone&) = delete;
  Tombstone(Tombstone&&) = delete;
  Tombstone& operator=(Tombstone&&) = delete;
  ~Tombstone() { *freed = true; }
  bool* freed;
};

}  // namespace ccproxy::net
