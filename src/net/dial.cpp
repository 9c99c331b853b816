#include "net/dial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "net/socket_stream.hpp"

namespace ccproxy::net {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kAttemptDelay{250};

using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

// The state that the look-up and the attempts share. The last of them to end frees it.
struct Race {
  explicit Race(Runtime& runtime)
      : progress(runtime), tick(runtime, [this] { progress.notify(); }) {}
  Event progress;  // the look-up or an attempt has ended, or the next attempt is due
  Deadline tick;
  std::optional<Result<std::vector<Address>>> addresses;
  std::vector<std::shared_ptr<TcpSocket>> running;
  std::optional<TcpSocket> winner;
  bool failed = false;  // an attempt has failed, so that the next one begins at once
  std::string last_error = "no address";

  // True when no attempt runs and no address is left. `next` is the index of the next address.
  [[nodiscard]] bool is_lost(std::size_t next) const {
    if (!addresses) return false;
    return !*addresses || (next == (*addresses)->size() && running.empty());
  }
};

// Runs beside dial(), which may give up before a slow name server responds. The resolver may be
// gone by then.
Task<void> look_up(std::shared_ptr<Race> race, Task<Result<std::vector<Address>>> resolving) {
  auto addresses = co_await std::move(resolving);
  race->addresses.emplace(std::move(addresses));
  race->progress.notify();
}

Task<void> attempt(std::shared_ptr<Race> race, std::shared_ptr<TcpSocket> socket,
                   asio::ip::tcp::endpoint endpoint) {
  auto [error] = co_await socket->async_connect(endpoint, kUseResult);
  std::erase(race->running, socket);
  if (error) {
    race->last_error = error.message();
    race->failed = true;
  } else if (!race->winner) {
    race->winner.emplace(std::move(*socket));
  }
  race->progress.notify();
}

void end_losers(Race& race) {
  for (const auto& socket : race.running) {
    boost::system::error_code ignored;
    socket->close(ignored);
  }
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> dial(Runtime& runtime, Resolver& resolver, std::string host,
                                           std::uint16_t port, Clock::duration limit,
                                           Cancellation* cancellation) {
  Cancellation never;
  Cancellation& ending = cancellation == nullptr ? never : *cancellation;
  const auto give_up = Clock::now() + limit;
  auto race = std::make_shared<Race>(runtime);
  ending.arm([race] { race->progress.notify(); });
  runtime.spawn(look_up(race, resolver.resolve(host)));
  std::size_t next = 0;
  auto next_start = Clock::time_point::min();
  bool in_time = true;
  while (!race->winner && !ending.cancelled()) {
    const auto now = Clock::now();
    in_time = now < give_up;
    if (!in_time || race->is_lost(next)) break;
    const std::size_t known = race->addresses ? (*race->addresses)->size() : 0;
    if (next < known && (std::exchange(race->failed, false) || now >= next_start)) {
      const auto ip = asio::ip::make_address((**race->addresses)[next++].ip);
      auto socket = std::make_shared<TcpSocket>(runtime.context());
      race->running.push_back(socket);
      const asio::ip::tcp::endpoint endpoint(ip, port);
      runtime.spawn(attempt(race, socket, endpoint));
      next_start = now + kAttemptDelay;
    }
    const auto wake = next < known ? std::min(next_start, give_up) : give_up;
    race->tick.expires_after(wake - now);
    co_await race->progress.wait();
  }
  ending.disarm();
  race->tick.disarm();
  end_losers(*race);
  if (ending.cancelled()) co_return fail(ErrorKind::kClosed, "nobody waits for the connection");

  if (race->winner) co_return make_socket_stream(runtime, Socket(std::move(*race->winner)));
  if (race->addresses && !*race->addresses) co_return fail(race->addresses->error());
  if (!in_time)
    co_return fail(ErrorKind::kTimedOut,
                   fmt::format("no connection to {}:{} within the time allowed "
                               "(timeouts.connectSeconds)",
                               host, port));
  co_return fail(ErrorKind::kUpstreamUnreachable,
                 fmt::format("cannot connect to {}:{}: {}", host, port, race->last_error));
}

Task<Result<std::unique_ptr<Stream>>> dial_unix(Runtime& runtime, std::string path) {
  using Protocol = asio::local::stream_protocol;
  asio::basic_stream_socket<Protocol, Executor> socket(runtime.context());
  const Protocol::endpoint endpoint(path);
  auto [error] = co_await socket.async_connect(endpoint, kUseResult);
  if (error)
    co_return fail(ErrorKind::kUpstreamUnreachable,
                   fmt::format("cannot connect to {}: {}", path, error.message()));
  co_return make_socket_stream(runtime, Socket(std::move(socket)));
}

}  // namespace ccproxy::net
