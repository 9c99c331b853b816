// What the exchanges of one worker use, and what all workers share. Built by the server, passed
// down; nobody reaches for it from elsewhere.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "anthropic/event.hpp"
#include "anthropic/models.hpp"
#include "anthropic/usage.hpp"
#include "auth/credentials.hpp"
#include "base/clock.hpp"
#include "config/live.hpp"
#include "json/outline.hpp"
#include "json/reader.hpp"
#include "net/runtime.hpp"
#include "net/work_pool.hpp"
#include "proxy/state/descriptor_budget.hpp"
#include "proxy/state/memory_budget.hpp"
#include "proxy/state/model_catalog.hpp"
#include "proxy/state/model_facts.hpp"
#include "proxy/state/rate_limits.hpp"
#include "proxy/state/response_store.hpp"
#include "proxy/state/thinking_memory.hpp"
#include "proxy/state/upstream.hpp"
#include "telemetry/log.hpp"
#include "telemetry/refusals.hpp"

namespace ccproxy::proxy {

// What the thinking memory may hold.
[[nodiscard]] inline std::size_t thinking_bytes(const config::Config& config) {
  return config.thinking_memory_mb << 20;
}

// Shared by all workers: constant, or safe from every thread.
struct Shared {
  config::Live config;
  const anthropic::ModelTable& models;
  auth::Credentials& credentials;
  telemetry::Log& log;
  ModelCatalog& catalog;
  ThinkingMemory& thinking;
  ResponseStore& responses;
  MemoryBudget held;
  net::WorkPool pool;    // for what would hold a loop too long
  bool verbose = false;  // the log shows header names
  std::string version;
  RateLimitSnapshot limits{};
  ModelFacts facts{models};
  Clock::time_point started = Clock::now();
  std::atomic<std::int64_t> in_flight = 0;
  // For limits.connections, or as many as the system lets this process have files open for.
  Places places{};
  std::atomic<std::size_t> turned_away = 0;  // clients beyond that, being told so
  telemetry::Refusals refused_connections{
      "connection_refused", "too many connections (limits.connections): told to come back"};
  telemetry::Refusals refused_keys{"key_refused", "requests without a proxy key that is known"};
  telemetry::Refusals failed_accepts{"accept", "a connection could not be taken", "detail"};
};

class BackgroundResponse;

// Responses that a worker runs without a client (proxy/translation/background.hpp).
class BackgroundResponses {
 public:
  void add(std::shared_ptr<BackgroundResponse> response);
  void remove(const BackgroundResponse* response);
  void cut();
  [[nodiscard]] bool empty() const { return all_.empty(); }
  // Called when the last one has ended.
  void on_empty(std::function<void()> call) { on_empty_ = std::move(call); }

 private:
  std::list<std::shared_ptr<BackgroundResponse>> all_;
  std::function<void()> on_empty_;
};

// One worker's own.
struct WorkerState {
  Shared& shared;
  net::Runtime& runtime;
  std::shared_ptr<Upstream> upstream;
  json::Reader reader{};
  anthropic::UsageParsers usage_parsers{};
  // For one call at a time: nothing of them outlives it.
  json::Outline outline{};
  anthropic::EventReader events{};
  BackgroundResponses background{};
};

}  // namespace ccproxy::proxy
