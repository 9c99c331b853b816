#include "proxy/state/shared_state.hpp"

#include <algorithm>
#include <utility>

namespace ccproxy::proxy {
namespace {

// Large requests that may wait for each thread of the pool; a client beyond them gets 503.
constexpr std::size_t kMaxWaitingPerThread = 16;

std::size_t threads_of(const config::Config& config) { return std::max(1U, config.server.workers); }

}  // namespace

SharedState::SharedState(config::Snapshot config, const anthropic::ModelTable& models,
                         auth::Credentials& credentials, telemetry::Log& log, std::string database,
                         std::string version, bool verbose)
    : config_(config),
      catalog_(models, *config),
      thinking_(thinking_bytes(*config)),
      responses_(std::move(database)),
      held_(config->limits.held_bytes),
      pool_(threads_of(*config), threads_of(*config) * kMaxWaitingPerThread),
      facts_(models),
      shared_{.config = config_,
              .models = models,
              .credentials = credentials,
              .log = log,
              .catalog = catalog_,
              .thinking = thinking_,
              .responses = responses_,
              .held = held_,
              .pool = pool_,
              .limits = limits_,
              .facts = facts_,
              .descriptors = descriptors_,
              .refused_connections = refused_connections_,
              .refused_keys = refused_keys_,
              .failed_accepts = failed_accepts_,
              .version = std::move(version),
              .verbose = verbose} {}

}  // namespace ccproxy::proxy
