// Owns what all workers share. Only the command that starts the server, and tests, include this;
// everybody else sees Shared (worker_state.hpp).
#pragma once

#include <cstddef>
#include <string>

#include "anthropic/models.hpp"
#include "config/config.hpp"
#include "config/live.hpp"
#include "net/work_pool.hpp"
#include "proxy/state/descriptor_budget.hpp"
#include "proxy/state/memory_budget.hpp"
#include "proxy/state/model_catalog.hpp"
#include "proxy/state/model_facts.hpp"
#include "proxy/state/rate_limits.hpp"
#include "proxy/state/response_store.hpp"
#include "proxy/state/thinking_memory.hpp"
#include "proxy/state/worker_state.hpp"
#include "telemetry/refusals.hpp"

namespace ccproxy::proxy {

class SharedState {
 public:
  // `database` is the path of the archive of responses, which is opened by
  // ResponseStore::configure() alone. `models`, `credentials` and `log` must outlive it.
  SharedState(config::Snapshot config, const anthropic::ModelTable& models,
              auth::Credentials& credentials, telemetry::Log& log, std::string database,
              std::string version, bool verbose);

  [[nodiscard]] Shared& shared() { return shared_; }

 private:
  config::Live config_;
  ModelCatalog catalog_;
  ThinkingMemory thinking_;
  ResponseStore responses_;
  MemoryBudget held_;
  net::WorkPool pool_;
  RateLimitSnapshot limits_;
  ModelFacts facts_;
  DescriptorBudget descriptors_;
  telemetry::Refusals refused_connections_{
      "connection_refused", "too many connections (limits.connections): told to come back"};
  telemetry::Refusals refused_keys_{"key_refused", "requests without a proxy key that is known"};
  telemetry::Refusals failed_accepts_{"accept", "a connection could not be taken", "detail"};
  Shared shared_;
};

}  // namespace ccproxy::proxy
