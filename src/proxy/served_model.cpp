#include "proxy/served_model.hpp"

#include <utility>

#include "config/model_map.hpp"

namespace ccproxy::proxy {

std::string served_model(Shared& shared, const config::Config& config, const std::string& asked,
                         telemetry::Receipt& receipt) {
  std::string name = config::map_model(config.model_mapping, asked);
  if (config.follow_retirements) {
    std::string successor = shared.models.successor(name);
    if (successor != name) {
      receipt.warn("model_retired", {});
      shared.catalog.say_retired(shared.log, name, successor);
      name = std::move(successor);
    }
  }
  receipt.model_asked = asked;
  receipt.model_sent = name;
  return name;
}

}  // namespace ccproxy::proxy
