#include "server/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "net/thread_name.hpp"
#include "proxy/door/gate.hpp"
#include "proxy/state/ending.hpp"

namespace ccproxy::server {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};  // when the system is out of descriptors
constexpr std::chrono::milliseconds kMoment{10};
// Clients beyond the limit are told so, this many at once and for this long; the others wait with
// the kernel meanwhile, which is never long.
constexpr std::size_t kMaxTurnedAway = 32;
constexpr std::chrono::seconds kTurnAwayLimit{2};
constexpr std::chrono::milliseconds kTurnAwayPause{20};
constexpr std::chrono::seconds kRetryAfter{1};
// No request may hold a loop longer than this at a stretch.
constexpr std::chrono::milliseconds kLongTurn{20};

http::ServerLimits server_limits(const config::Config& config) {
  return {config.limits.head_bytes, config.timeouts.request_head, config.timeouts.body_stall,
          config.timeouts.write_stall, config.timeouts.keep_alive};
}

}  // namespace

// A connected client and what it is being served. One that has no place is one too many, and is
// told so by the answer to its one request.
struct Worker::Client {
  Client(proxy::Place taken, std::atomic<std::size_t>& all_turned_away)
      : place(std::move(taken)), turned_away(all_turned_away) {
    if (is_one_too_many()) ++turned_away;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client(Client&&) = delete;
  Client& operator=(Client&&) = delete;
  ~Client() {
    if (is_one_too_many()) --turned_away;
  }

  [[nodiscard]] bool is_one_too_many() const { return !place; }

  const proxy::Place place;
  std::atomic<std::size_t>& turned_away;
  std::shared_ptr<http::ServerConnection> connection{};
  bool trusted = false;
  proxy::Exchange* exchange = nullptr;  // while one runs
};

Worker::Worker(proxy::Shared& shared) : shared_(shared), state_{shared, runtime_, {}} {
  state_.background.on_empty([this] { end_when_idle(); });
  runtime_.survive([this](std::string_view what) {
    shared_.log.say(telemetry::Level::kError, "exception", what);
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
    if (!upstream) return;  // the server has tried it before it handed it out
    state_.upstream->client.drain();
    // Its last connections may outlive the last exchange by a moment.
    std::erase_if(retired_, [](const auto& old) { return old.use_count() == 1; });
    retired_.push_back(std::exchange(state_.upstream, std::move(*upstream)));
  });
}

// Wakes whoever still waits, so that nobody is kept alive by what it waits for.
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
    runtime_.watch_turns(kLongTurn, [this](Clock::duration taken) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(taken).count();
      shared_.log.say(telemetry::Level::kDebug, "long_turn",
                      fmt::format("the loop was held for {} ms at a stretch", ms));
    });
  runtime_.run();
}

// Whatever is thrown on the way, those who come later are served.
Task<void> Worker::accept(net::Listener& listener, bool trusted) {
  for (bool goes_on = true; goes_on && !draining_;) {
    try {
      goes_on = co_await accept_next(listener, trusted);
    } catch (const std::exception& error) {
      shared_.log.say(telemetry::Level::kError, "exception", error.what());
      std::this_thread::sleep_for(kMoment);  // there may be no memory to wait in the loop
    }
  }
}

// False when nobody comes any more.
Task<bool> Worker::accept_next(net::Listener& listener, bool trusted) {
  while (shared_.turned_away >= kMaxTurnedAway && !draining_)
    co_await net::sleep(runtime_, kTurnAwayPause);
  auto stream = co_await listener.accept();
  const bool has_failed = !stream && stream.error().kind == ErrorKind::kIo;
  if (draining_ || (!stream && !has_failed)) co_return false;
  if (has_failed) shared_.failed_accepts.tell(shared_.log, stream.error().message, Clock::now());
  if (has_failed || !add_safely(std::move(*stream), trusted))
    co_await net::sleep(runtime_, kAcceptPause);
  co_return true;
}

// False when there is no memory for it: then it is closed.
bool Worker::add_safely(std::unique_ptr<net::Stream> stream, bool trusted) {
  try {
    add(std::move(stream), trusted);
    return true;
  } catch (const std::exception& error) {
    shared_.log.say(telemetry::Level::kError, "connection_refused", error.what());
    return false;
  }
}

void Worker::add(std::unique_ptr<net::Stream> stream, bool trusted) {
  const config::Snapshot config = shared_.config.get();
  http::ServerLimits limits = server_limits(*config);
  const auto client = std::make_shared<Client>(shared_.places.take_client(), shared_.turned_away);
  if (client->is_one_too_many()) {
    shared_.refused_connections.tell(shared_.log, stream->peer(), Clock::now());
    limits.request_head = limits.keep_alive = limits.write_stall = kTurnAwayLimit;
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

// One request after another, until the client or the server is done. Whatever a request throws ends
// its connection, not the program.
Task<void> Worker::serve(std::shared_ptr<Client> client) {
  bool goes_on = true;
  while (goes_on) {
    goes_on = false;
    try {
      goes_on = co_await serve_one(*client);
    } catch (const std::exception& error) {
      shared_.log.say(telemetry::Level::kError, "exception", error.what());
    }
    client->exchange = nullptr;
  }
  client->connection->close();
  std::erase(clients_, client);
  end_when_idle();
}

// False when there is no further request.
Task<bool> Worker::serve_one(Client& client) {
  auto head = co_await client.connection->read_request();
  if (!head && head.error().kind == ErrorKind::kClosed) co_return false;
  proxy::Exchange exchange(state_, client.connection, client.trusted);
  client.exchange = &exchange;
  if (head && client.is_one_too_many()) {
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
