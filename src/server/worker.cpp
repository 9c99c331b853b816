#include "server/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "config/live.hpp"
#include "net/thread_name.hpp"
#include "proxy/door/gate.hpp"
#include "proxy/state/descriptor_budget.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/state/upstream.hpp"
#include "telemetry/log.hpp"
#include "telemetry/refusals.hpp"

namespace ccproxy::server {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};  // when the system is out of descriptors
constexpr std::chrono::milliseconds kMemoryPause{10};
// Clients beyond the limit get a 503, so many at once and for so long; others wait in the kernel's
// queue meanwhile, which is never long.
constexpr std::size_t kMaxTurnedAway = 32;
constexpr std::chrono::seconds kTurnAwayTimeout{2};
constexpr std::chrono::milliseconds kTurnAwayPause{20};
constexpr std::chrono::seconds kRetryAfter{1};
// A request must not block a loop longer than this at a stretch.
constexpr std::chrono::milliseconds kMaxTurn{20};

http::ServerLimits server_limits(const config::Config& config) {
  return {config.limits.head_bytes, config.timeouts.request_head, config.timeouts.body_stall,
          config.timeouts.write_stall, config.timeouts.keep_alive};
}

}  // namespace

// A connected client and the exchange that serves it. One without a place is beyond the limit: its
// one request gets a 503.
struct Worker::Client {
  Client(proxy::DescriptorReservation taken, std::atomic<std::size_t>& all_turned_away)
      : place(std::move(taken)), turned_away(all_turned_away) {
    if (is_beyond_limit()) ++turned_away;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client(Client&&) = delete;
  Client& operator=(Client&&) = delete;
  ~Client() {
    if (is_beyond_limit()) --turned_away;
  }

  [[nodiscard]] bool is_beyond_limit() const { return !place; }

  const proxy::DescriptorReservation place;
  std::atomic<std::size_t>& turned_away;
  std::shared_ptr<http::ServerConnection> connection{};
  bool trusted = false;
  proxy::Exchange* exchange = nullptr;  // while one runs
};

Worker::Worker(proxy::Shared& shared) : shared_(shared), state_(shared, runtime_) {
  state_.background.on_empty([this] { end_when_idle(); });
  runtime_.set_exception_handler([this](std::string_view what) {
    shared_.log.write_message(telemetry::Level::kError, "exception", what);
  });
}

Result<void> Worker::connect(const config::Config& config) {
  auto upstream = proxy::make_upstream(runtime_, config);
  if (!upstream) return fail(upstream.error());
  state_.upstream = std::move(*upstream);
  return {};
}

void Worker::reconnect(config::Snapshot config) {
  runtime_.post([this, config = std::move(config)] {
    auto upstream = proxy::make_upstream(runtime_, *config);
    if (!upstream) return;  // the server checked this configuration before
    state_.upstream->client.drain();
    // The last connections of an upstream may outlive its last exchange by a moment.
    std::erase_if(retired_, [](const auto& old) { return old.use_count() == 1; });
    retired_.push_back(std::exchange(state_.upstream, std::move(*upstream)));
  });
}

// Ends everything that a coroutine may wait for, so that none is kept alive by its wait.
Worker::~Worker() {
  state_.background.cut();
  for (const auto& client : clients_) {
    if (client->exchange != nullptr) client->exchange->cut();
    client->connection->close();
  }
}

Result<std::uint16_t> Worker::listen(const std::vector<std::string>& ips, std::uint16_t port,
                                     bool shared_port) {
  for (const std::string& ip : ips) {
    auto listener = net::Listener::tcp(runtime_, ip, port, shared_port);
    if (!listener) return fail(listener.error());
    port = (*listener)->port();
    listeners_.push_back(std::move(*listener));
    runtime_.spawn(accept(*listeners_.back(), false));
  }
  return port;
}

Result<void> Worker::listen_unix(const std::string& path) {
  auto listener = net::Listener::unix_socket(runtime_, path);
  if (!listener) return fail(listener.error());
  listeners_.push_back(std::move(*listener));
  runtime_.spawn(accept(*listeners_.back(), true));
  return {};
}

void Worker::run() {
  net::name_thread("ccproxy-worker");
  if (shared_.log.wants(telemetry::Level::kDebug))
    runtime_.watch_turns(kMaxTurn, [this](Clock::duration taken) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(taken).count();
      shared_.log.write_message(telemetry::Level::kDebug, "long_turn",
                                fmt::format("the loop was held for {} ms at a stretch", ms));
    });
  runtime_.run();
}

// Whatever is thrown, the next clients are served.
Task<void> Worker::accept(net::Listener& listener, bool trusted) {
  for (bool goes_on = true; goes_on && !draining_;) {
    try {
      goes_on = co_await accept_next(listener, trusted);
    } catch (const std::exception& error) {
      shared_.log.write_message(telemetry::Level::kError, "exception", error.what());
      std::this_thread::sleep_for(kMemoryPause);  // waiting in the loop might need memory
    }
  }
}

// Returns false when no more clients are accepted.
Task<bool> Worker::accept_next(net::Listener& listener, bool trusted) {
  while (shared_.turned_away >= kMaxTurnedAway && !draining_)
    co_await net::sleep(runtime_, kTurnAwayPause);
  auto stream = co_await listener.accept();
  const bool has_failed = !stream && stream.error().kind == ErrorKind::kIo;
  if (draining_ || (!stream && !has_failed)) co_return false;
  if (has_failed)
    shared_.failed_accepts.log_refusal(shared_.log, stream.error().message, Clock::now());
  if (has_failed || !add_safely(std::move(*stream), trusted))
    co_await net::sleep(runtime_, kAcceptPause);
  co_return true;
}

// Returns false when there is no memory for the client: then it is closed.
bool Worker::add_safely(std::unique_ptr<net::Stream> stream, bool trusted) {
  try {
    add(std::move(stream), trusted);
    return true;
  } catch (const std::exception& error) {
    shared_.log.write_message(telemetry::Level::kError, "connection_refused", error.what());
    return false;
  }
}

void Worker::add(std::unique_ptr<net::Stream> stream, bool trusted) {
  const config::Snapshot config = shared_.config.get();
  http::ServerLimits limits = server_limits(*config);
  const auto client =
      std::make_shared<Client>(shared_.descriptors.reserve_client(), shared_.turned_away);
  if (client->is_beyond_limit()) {
    shared_.refused_connections.log_refusal(shared_.log, stream->peer(), Clock::now());
    limits.request_head = limits.keep_alive = limits.write_stall = kTurnAwayTimeout;
  }
  client->connection = std::make_shared<http::ServerConnection>(runtime_, std::move(stream), limits,
                                                                proxy::kGuardFields);
  client->trusted = trusted;
  clients_.push_back(client);
  try {
    client->connection->start();
    runtime_.spawn(serve(client));
  } catch (const std::exception&) {
    client->connection->close();
    std::erase(clients_, client);
    throw;
  }
}

// Serves one request after another, until the client or the server is done. An exception of a
// request ends its connection, not the program.
Task<void> Worker::serve(std::shared_ptr<Client> client) {
  bool goes_on = true;
  while (goes_on) {
    goes_on = false;
    try {
      goes_on = co_await serve_one(*client);
    } catch (const std::exception& error) {
      shared_.log.write_message(telemetry::Level::kError, "exception", error.what());
    }
    client->exchange = nullptr;
  }
  client->connection->close();
  std::erase(clients_, client);
  end_when_idle();
}

// Returns false when there is no further request.
Task<bool> Worker::serve_one(Client& client) {
  auto head = co_await client.connection->read_request();
  if (!head && head.error().kind == ErrorKind::kClosed) co_return false;
  proxy::Exchange exchange(state_, client.connection, client.trusted);
  client.exchange = &exchange;
  if (head && client.is_beyond_limit()) {
    Error error{ErrorKind::kBusy, "too many clients at once (limits.connections): try again", "",
                "", kRetryAfter};
    co_await exchange.turn_away(std::move(*head), std::move(error));
    co_return false;
  }
  if (head && !is_cut_) {
    co_await exchange.run(std::move(*head));
  } else {
    const Error error = head ? proxy::shutting_down() : head.error();
    std::string path(head ? head->path() : client.connection->refused_path());
    co_await exchange.refuse_head(error, std::move(path));
  }
  co_return true;
}

void Worker::drain() {
  runtime_.post([this] {
    draining_ = true;
    for (const auto& listener : listeners_) listener->close();
    for (const auto& client : clients_) client->connection->drain();
    state_.upstream->client.drain();
    end_when_idle();
  });
}

void Worker::cut() {
  runtime_.post([this] {
    is_cut_ = true;
    for (const auto& client : clients_)
      if (client->exchange != nullptr) client->exchange->cut();
    state_.background.cut();
  });
}

void Worker::stop() { runtime_.stop(); }

void Worker::end_when_idle() {
  if (draining_ && clients_.empty() && state_.background.empty()) runtime_.stop();
}

}  // namespace ccproxy::server
