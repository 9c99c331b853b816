#include "server/server.hpp"

#include <fmt/format.h>

#include <thread>
#include <utility>

#include "config/base_url.hpp"
#include "net/listener.hpp"
#include "net/resolve.hpp"
#include "net/signals.hpp"
#include "server/worker.hpp"

namespace ccproxy::server {
namespace {

using telemetry::Level;

// How long an answer that is cut has to say so, before its connection is dropped.
constexpr std::chrono::seconds kLastWords{2};

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

}  // namespace

struct Server::State {
  State(proxy::Shared& all, net::Runtime& loop) : shared(all), control(loop) {}

  Result<void> build_workers();
  Result<void> bind();
  void on_signal();
  void on_grace_over();
  void stop_workers();
  void worker_ended();

  proxy::Shared& shared;
  net::Runtime& control;
  net::Signals signals{control, [this] { on_signal(); }};
  net::Deadline grace_over{control, [this] { on_grace_over(); }};
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::string> addresses;
  std::uint16_t port = 0;
  std::size_t running = 0;
  bool ending = false;
  bool cut = false;
};

Server::Server(proxy::Shared& shared, net::Runtime& control)
    : state_(std::make_unique<State>(shared, control)) {}
Server::~Server() = default;

std::uint16_t Server::port() const { return state_->port; }
const std::vector<std::string>& Server::addresses() const { return state_->addresses; }

Result<void> Server::listen() {
  if (auto built = state_->build_workers(); !built) return built;
  return state_->bind();
}

Result<void> Server::State::build_workers() {
  const config::Config& config = *shared.config;
  auto upstream = config::parse_base_url(config.upstream.base_url);
  if (!upstream) return fail(upstream.error());
  shared.upstream_prefix = upstream->path_prefix;
  for (unsigned i = 0; i < std::max(1U, config.server.workers); ++i) {
    std::unique_ptr<net::TlsContext> tls;
    if (upstream->tls) {
      auto context = net::TlsContext::client(config.upstream.ca_file);
      if (!context) return fail(context.error());
      tls = std::move(*context);
    }
    workers.push_back(std::make_unique<Worker>(shared, *upstream, std::move(tls)));
  }
  return {};
}

Result<void> Server::State::bind() {
  const config::Config& config = *shared.config;
  auto ips = listen_ips(config.server.host);
  if (!ips) return fail(ips.error());
  for (const std::string& ip : *ips)
    if (!is_loopback(ip) && config.api_keys.empty())
      return fail(ErrorKind::kForbidden,
                  fmt::format("{} can be reached by others, so CCProxy listens there only with a "
                              "proxy key: add one to apiKeys in config.json, as "
                              "{{\"apiKeys\": [{{\"name\": \"me\", \"key\": \"...\"}}]}}, or set "
                              "CCPROXY_API_KEY; or keep server.host at 127.0.0.1",
                              ip));

  port = config.server.port;
  const bool many = workers.size() > 1;
  for (const std::string& ip : *ips) {
    if (many)
      if (auto free = net::Listener::check_free(workers.front()->runtime(), ip, port); !free)
        return free;
    // A machine without IPv6 still has a localhost.
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
  if (auto bound = workers.front()->listen_unix(config.server.socket); !bound) return bound;
  addresses.push_back("unix:" + config.server.socket);
  return {};
}

void Server::run() {
  std::vector<std::thread> threads;
  for (const auto& worker : state_->workers)
    threads.emplace_back([this, worker = worker.get()] {
      worker->run();
      state_->control.post([this] { state_->worker_ended(); });
    });
  state_->running = threads.size();
  state_->control.run();
  for (auto& thread : threads) thread.join();
}

void Server::State::on_signal() {
  if (std::exchange(ending, true)) {
    shared.log.say(Level::kWarn, "shutdown", "a second signal: ending at once");
    stop_workers();
    return;
  }
  const auto grace = shared.config->server.shutdown_grace;
  shared.log.say(Level::kInfo, "shutdown",
                 fmt::format("no new clients; {} running answers have {} s to finish",
                             shared.in_flight.load(), grace.count()));
  for (const auto& worker : workers) worker->drain();
  grace_over.expires_after(grace);
}

void Server::State::on_grace_over() {
  if (std::exchange(cut, true)) {
    stop_workers();
    return;
  }
  for (const auto& worker : workers) worker->cut();
  grace_over.expires_after(kLastWords);
}

void Server::State::stop_workers() {
  for (const auto& worker : workers) worker->stop();
}

void Server::State::worker_ended() {
  if (--running == 0) shared.credentials.when_settled([this] { control.stop(); });
}

}  // namespace ccproxy::server
