#include "proxy/state/resolve_model.hpp"

#include <utility>

#include "anthropic/error.hpp"
#include "proxy/state/meaning.hpp"

namespace ccproxy::proxy {
namespace {

bool is_retiring(const anthropic::ModelTable& models, std::string_view id, Instant now) {
  const anthropic::Model* model = models.find(anthropic::strip_context_suffix(id));
  return model != nullptr && anthropic::is_retiring(model->life, now);
}

}  // namespace

std::string resolve_model(Shared& shared, const config::Config& config, const std::string& asked,
                          telemetry::Receipt& receipt) {
  Meaning meaning = meaning_of(shared.models, config.model_mapping, asked);
  std::string name = std::move(meaning.target);
  if (config.follow_retirements) {
    std::string successor = shared.catalog.successor(name);
    if (successor != name && !meaning.is_default) {
      receipt.warn("model_retired", {});
      shared.catalog.say_retired(shared.log, name, successor);
    }
    name = std::move(successor);
  }
  if (!meaning.is_default && is_retiring(shared.models, name, wall_now()))
    receipt.warn("model_retiring", {});
  receipt.model_requested = asked;
  receipt.model_sent = name;
  return name;
}

std::string successor_of_missing(Shared& shared, const config::Config& config,
                                 std::string_view error_body, Instant now,
                                 telemetry::Receipt& receipt) {
  const std::string& sent = receipt.model_sent;
  if (!config.follow_retirements || sent.empty()) return {};
  const anthropic::SaidError error = anthropic::read_error(error_body);
  if (error.type != "not_found_error" || error.message.find(sent) == std::string::npos) return {};
  if (!shared.catalog.retire(sent, now)) return {};
  std::string successor = shared.catalog.successor(sent);
  shared.catalog.say_retired(shared.log, sent, successor);
  if (!meaning_of(shared.models, config.model_mapping, receipt.model_requested).is_default)
    receipt.warn("model_retired", {});
  receipt.model_sent = successor;
  return successor;
}

}  // namespace ccproxy::proxy
