#include "server/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>

#include "auth/credentials.hpp"
#include "base/descriptors.hpp"
#include "base/retry_on_bad_alloc.hpp"
#include "config/live.hpp"
#include "net/listener.hpp"
#include "net/resolve.hpp"
#include "net/signals.hpp"
#include "net/work_pool.hpp"
#include "proxy/state/descriptor_budget.hpp"
#include "proxy/state/memory_budget.hpp"
#include "proxy/state/model_catalog.hpp"
#include "proxy/state/response_store.hpp"
#include "proxy/state/thinking_memory.hpp"
#include "proxy/state/upstream.hpp"
#include "server/worker.hpp"
#include "telemetry/log.hpp"
#include "telemetry/refusals.hpp"

namespace ccproxy::server {
namespace {

using telemetry::Level;

// How long a reply that is cut has for its last event, before its connection is dropped.
constexpr std::chrono::seconds kCutTimeout{2};
// How often files and the expiry of the token are checked.
constexpr std::chrono::seconds kSecond{1};
constexpr std::chrono::milliseconds kHalfSecond{500};

// Descriptors that clients cannot take: for the store, watched files, the log, name lookups, and
// clients that are turned away.
constexpr std::size_t kReservedFiles = 96;
constexpr std::size_t kReservedFilesPerWorker = 16;

bool is_loopback(const std::string& ip) { return ip.starts_with("127.") || ip == "::1"; }

std::string url_of(const std::string& ip, std::uint16_t port) {
  return ip.find(':') == std::string::npos ? fmt::format("http://{}:{}", ip, port)
                                           : fmt::format("http://[{}]:{}", ip, port);
}

Result<std::vector<std::string>> listen_ips(const std::string& host) {
  if (host == "localhost") return std::vector<std::string>{"127.0.0.1", "::1"};
  const auto addresses = net::numeric_address(host);
  if (addresses.empty())
    return fail(
        ErrorKind::kConfiguration,
        fmt::format("server.host must be an IPv4 or IPv6 address or localhost, not \"{}\"", host));
  return std::vector<std::string>{addresses.front().ip};
}

// Refuses an address that others can reach while no proxy key is configured.
Result<void> check_exposure(const std::vector<std::string>& ips, const config::Config& config) {
  for (const std::string& ip : ips)
    if (!is_loopback(ip) && config.api_keys.empty())
      return fail(ErrorKind::kForbidden,
                  fmt::format("{} can be reached by others, so CCProxy listens there only with a "
                              "proxy key: create one with `ccproxy key add NAME` (apiKeys), or set "
                              "CCPROXY_API_KEY; or keep server.host at 127.0.0.1",
                              ip));
  return {};
}

}  // namespace

struct Server::State {
  State(proxy::Shared& all, net::Runtime& loop, ConfigFile file)
      : shared(all),
        control(loop),
        reload(
            std::move(file), all, [this](const config::Config& next) { return check(next); },
            [this](config::Snapshot next) { use(std::move(next)); }) {}

  Result<void> build_workers();
  Result<void> bind();
  Result<void> check(const config::Config& config);
  void use(config::Snapshot next);
  void tick();
  void tick_responses();
  void on_signal();
  void on_hangup();
  void limit_clients(const config::Config& config);
  void end_grace();
  void stop_workers();
  void worker_ended();

  proxy::Shared& shared;
  net::Runtime& control;
  Reload reload;
  net::Signals signals{control, [this] { on_signal(); }, [this] { on_hangup(); }};
  net::Deadline second{control, [this] { tick(); }};
  net::Deadline half_second{control, [this] { tick_responses(); }};
  net::Deadline grace_over{control, [this] { end_grace(); }};
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::string> addresses;
  std::uint16_t port = 0;
  std::size_t running = 0;
  bool ending = false;
  bool cut = false;
  Clock::time_point ends_by = Clock::time_point::max();  // after this nothing more is stored
};

// An exception in the control loop, such as a lack of memory, ends only what threw it, as in the
// loops of workers.
Server::Server(proxy::Shared& shared, net::Runtime& control, ConfigFile file)
    : state_(std::make_unique<State>(shared, control, std::move(file))) {
  control.set_exception_handler([&log = shared.log](std::string_view what) {
    log.write_message(Level::kError, "exception", what);
  });
}
Server::~Server() = default;

std::uint16_t Server::port() const { return state_->port; }
const std::vector<std::string>& Server::addresses() const { return state_->addresses; }

// SIGHUP means what log rotation and people expect of it: the log file is opened again, and the
// configuration is read again.
void Server::State::on_hangup() {
  shared.log.reopen();
  reload.now();
}

// Each client may need a connection to the upstream, too: without a descriptor for that it would be
// accepted and never served. The same holds for each response in the background.
void Server::State::limit_clients(const config::Config& config) {
  using proxy::DescriptorBudget;
  const std::size_t wanted = config.limits.connections;
  const std::size_t reserve = kReservedFiles + kReservedFilesPerWorker * workers.size();
  const std::size_t open = raise_open_file_limit(
      (DescriptorBudget::kDescriptorsPerClient + DescriptorBudget::kDescriptorsPerBackground) *
          wanted +
      reserve);
  const std::size_t files =
      std::max(open, reserve + DescriptorBudget::kDescriptorsPerClient) - reserve;
  const std::size_t room = files / DescriptorBudget::kDescriptorsPerClient;
  shared.descriptors.set_limits(wanted, files);
  if (room >= wanted) return;
  // Nobody chose the default, so a default that is cut a little is no warning.
  constexpr std::size_t kPlenty = 1000;
  const bool is_default = wanted == config::Config().limits.connections;
  shared.log.write_message(
      is_default && room >= kPlenty ? Level::kInfo : Level::kWarn, "limits",
      fmt::format("{} clients are served at once, not {} (limits.connections), and "
                  "fewer while responses run in the background: the system lets this "
                  "process have {} files open (ulimit -n)",
                  room, wanted, open));
}

Result<void> Server::listen() {
  if (auto built = state_->build_workers(); !built) return built;
  if (auto bound = state_->bind(); !bound) return bound;
  state_->limit_clients(*state_->shared.config.get());
  return {};
}

Result<void> Server::State::build_workers() {
  const config::Snapshot config = shared.config.get();
  for (unsigned i = 0; i < std::max(1U, config->server.workers); ++i) {
    workers.push_back(std::make_unique<Worker>(shared));
    if (auto connected = workers.back()->connect(*config); !connected) return connected;
  }
  return {};
}

// Returns why a running server cannot use the configuration.
Result<void> Server::State::check(const config::Config& config) {
  const auto ips = listen_ips(config.server.host);
  if (!ips) return fail(ips.error());
  if (auto allowed = check_exposure(*ips, config); !allowed) return allowed;
  auto upstream = proxy::make_upstream(control, config);
  if (!upstream) return fail(upstream.error());
  return {};
}

// When it throws for lack of memory, it is done again from the beginning.
void Server::State::use(config::Snapshot next) {
  const config::Snapshot before = shared.config.get();
  shared.held.set_max_bytes(next->limits.held_bytes);
  shared.thinking.set_max_bytes(proxy::thinking_bytes(*next));
  if (auto configured = shared.responses.configure(next->store); !configured)
    shared.log.write_message(Level::kError, "store", configured.error().message);
  shared.log.set_level(static_cast<Level>(next->log.level));
  limit_clients(*next);
  shared.credentials.configure(*next);
  if (before->model_mapping != next->model_mapping ||
      before->follow_retirements != next->follow_retirements)
    shared.catalog.rebuild(*next);
  if (!proxy::same_upstream(*before, *next))
    for (const auto& worker : workers) worker->reconnect(next);
  shared.config.set(std::move(next));
}

// The next tick is set first, so that it comes whatever this one throws.
void Server::State::tick() {
  second.expires_after(kSecond);
  shared.refused_connections.log_rest(shared.log, Clock::now());
  shared.refused_keys.log_rest(shared.log, Clock::now());
  shared.failed_accepts.log_rest(shared.log, Clock::now());
  shared.credentials.tick();
  reload.tick();
}

// Those that follow a response that is gone are to learn of it within a second.
void Server::State::tick_responses() {
  half_second.expires_after(kHalfSecond);
  shared.responses.tick();
}

Result<void> Server::State::bind() {
  const config::Snapshot snapshot = shared.config.get();
  const config::Config& config = *snapshot;
  auto ips = listen_ips(config.server.host);
  if (!ips) return fail(ips.error());
  if (auto allowed = check_exposure(*ips, config); !allowed) return allowed;

  port = config.server.port;
  const bool many = workers.size() > 1;
  for (const std::string& ip : *ips) {
    if (many)
      if (auto free = net::Listener::check_free(workers.front()->runtime(), ip, port); !free)
        return free;
    // On a machine without IPv6, localhost is 127.0.0.1 alone.
    const bool optional = config.server.host == "localhost" && ip == "::1";
    for (const auto& worker : workers) {
      auto bound = worker->listen({ip}, port, many);
      if (!bound && optional) break;
      if (!bound) return fail(bound.error());
      port = *bound;
      if (worker == workers.front()) addresses.push_back(url_of(ip, port));
    }
  }
  if (config.server.socket.empty()) return {};
  if (auto bound = workers.front()->listen_unix(config.server.socket); !bound) {
    Error error = bound.error();
    error.param = kSocketKey;
    return fail(std::move(error));
  }
  addresses.push_back("unix:" + config.server.socket);
  return {};
}

void Server::run() {
  std::vector<std::thread> threads;
  for (const auto& worker : state_->workers)
    threads.emplace_back([this, worker = worker.get()] {
      worker->run();
      retry_on_bad_alloc([this] { state_->control.post([this] { state_->worker_ended(); }); });
    });
  state_->running = threads.size();
  state_->second.expires_after(kSecond);
  state_->half_second.expires_after(kHalfSecond);
  state_->control.run();
  for (auto& thread : threads) thread.join();
  // Work of the pool uses what waits in the loops, so it ends before that is freed.
  state_->shared.pool.close();
  // The store reports to the loops, so it ends while they exist.
  state_->shared.responses.close(state_->ends_by);
}

void Server::State::on_signal() {
  if (std::exchange(ending, true)) {
    shared.log.write_message(Level::kWarn, "shutdown", "a second signal: ending at once");
    ends_by = Clock::now() + kSecond;
    stop_workers();
    return;
  }
  const auto grace = shared.config.get()->server.shutdown_grace;
  ends_by = Clock::now() + grace + kCutTimeout;
  shared.log.write_message(Level::kInfo, "shutdown",
                           fmt::format("no new clients; {} running replies have {} s to finish",
                                       shared.in_flight.load(), grace.count()));
  grace_over.expires_after(grace);  // set first, so that it comes whatever is thrown below
  for (const auto& worker : workers) worker->drain();
}

void Server::State::end_grace() {
  if (std::exchange(cut, true)) {
    stop_workers();
    return;
  }
  grace_over.expires_after(kCutTimeout);
  for (const auto& worker : workers) worker->cut();
}

void Server::State::stop_workers() {
  for (const auto& worker : workers) worker->stop();
}

void Server::State::worker_ended() {
  if (--running == 0) shared.credentials.when_settled([this] { control.stop(); });
}

}  // namespace ccproxy::server
