#include "proxy/state/model_resolver.hpp"

#include <utility>

#include "anthropic/error.hpp"
#include "proxy/state/mapped_model.hpp"
#include "proxy/state/model_catalog.hpp"
#include "proxy/state/worker_state.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::proxy {

ModelResolver::ModelResolver(const Shared& shared)
    : ModelResolver(shared.models, shared.catalog, shared.log) {}

bool ModelResolver::is_retiring(std::string_view id) const {
  const anthropic::Model* model = models_.find(anthropic::strip_context_suffix(id));
  return model != nullptr && anthropic::is_retiring(model->life, wall_now());
}

std::string ModelResolver::resolve(const config::Config& config, const std::string& name,
                                   telemetry::Receipt& receipt) const {
  MappedModel mapped = map_model_name(models_, config.model_mapping, name);
  std::string id = std::move(mapped.target);
  if (config.follow_retirements) {
    std::string successor = catalog_.successor(id);
    if (successor != id && !mapped.is_default) {
      receipt.warn("model_retired", {});
      catalog_.log_retired(log_, id, successor);
    }
    id = std::move(successor);
  }
  if (!mapped.is_default && is_retiring(id)) receipt.warn("model_retiring", {});
  receipt.model_requested = name;
  receipt.model_sent = id;
  return id;
}

std::string ModelResolver::successor_of_missing(const config::Config& config,
                                                std::string_view error_body, Instant now,
                                                telemetry::Receipt& receipt) const {
  const std::string& sent = receipt.model_sent;
  if (!config.follow_retirements || sent.empty()) return {};
  const anthropic::ApiError error = anthropic::read_error(error_body);
  if (error.type != "not_found_error" || error.message.find(sent) == std::string::npos) return {};
  if (!catalog_.retire(sent, now)) return {};
  std::string successor = catalog_.successor(sent);
  catalog_.log_retired(log_, sent, successor);
  if (!map_model_name(models_, config.model_mapping, receipt.model_requested).is_default)
    receipt.warn("model_retired", {});
  receipt.model_sent = successor;
  return successor;
}

}  // namespace ccproxy::proxy
