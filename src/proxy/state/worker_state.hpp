// What the exchanges of one worker use, and what all workers share. The server builds both and
// passes them down; nothing reaches for them from elsewhere. This header only names what it refers
// to: a file includes the headers of what it uses.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "proxy/state/background_responses.hpp"

namespace ccproxy::anthropic {
struct EventReader;
class ModelTable;
struct UsageParsers;
}  // namespace ccproxy::anthropic

namespace ccproxy::auth {
class Credentials;
}

namespace ccproxy::config {
class Live;
}

namespace ccproxy::json {
class Outline;
class Reader;
}  // namespace ccproxy::json

namespace ccproxy::net {
class Runtime;
class WorkPool;
}  // namespace ccproxy::net

namespace ccproxy::telemetry {
class Log;
class Refusals;
}  // namespace ccproxy::telemetry

namespace ccproxy::proxy {

class MemoryBudget;
class ModelCatalog;
class ModelFacts;
class DescriptorBudget;
class RateLimitSnapshot;
class ResponseStore;
class ThinkingMemory;
struct Upstream;

// Shared by all workers: everything here is constant or safe from every thread. A SharedState owns
// what is referred to.
struct Shared {
  config::Live& config;
  const anthropic::ModelTable& models;
  auth::Credentials& credentials;
  telemetry::Log& log;
  ModelCatalog& catalog;
  ThinkingMemory& thinking;
  ResponseStore& responses;
  MemoryBudget& held;
  net::WorkPool& pool;  // for work that would hold an event loop too long
  RateLimitSnapshot& limits;
  ModelFacts& facts;
  DescriptorBudget& descriptors;
  telemetry::Refusals& refused_connections;
  telemetry::Refusals& refused_keys;
  telemetry::Refusals& failed_accepts;
  const std::string version;
  const bool verbose;  // the log shows the names of header fields
  const Clock::time_point started = Clock::now();
  std::atomic<std::int64_t> in_flight = 0;
  // Clients beyond limits.connections, or beyond the descriptors of this process, which are just
  // being sent a 503.
  std::atomic<std::size_t> turned_away = 0;
};

// One worker's own; used by its thread alone.
struct WorkerState {
  // Both must outlive it. `upstream` is set before the first exchange.
  WorkerState(Shared& all, net::Runtime& loop);
  ~WorkerState();
  WorkerState(const WorkerState&) = delete;
  WorkerState& operator=(const WorkerState&) = delete;
  WorkerState(WorkerState&&) = delete;
  WorkerState& operator=(WorkerState&&) = delete;

  Shared& shared;
  net::Runtime& runtime;
  std::shared_ptr<Upstream> upstream;

 private:
  struct Parsers;
  std::unique_ptr<Parsers> parsers_;

 public:
  // Each is used by one call at a time. Nothing that it returned is valid once the next call uses
  // it.
  json::Reader& reader;
  json::Outline& outline;
  anthropic::UsageParsers& usage_parsers;
  anthropic::EventReader& events;

  BackgroundResponses background;
};

}  // namespace ccproxy::proxy
