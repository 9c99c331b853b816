#include "cli/models_in_use.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "anthropic/models_data.hpp"
#include "base/file.hpp"
#include "proxy/state/mapped_model.hpp"

namespace ccproxy::cli {
namespace {

// Formats an amount as people write it: $3, $0.10, $1.25.
std::string dollars(double amount) {
  const std::string cents = fmt::format("{:.2f}", amount);
  return "$" + (cents.ends_with(".00") ? cents.substr(0, cents.size() - 3) : cents);
}

std::string price_of(const anthropic::Prices& prices) {
  return fmt::format("{} in, {} out", dollars(prices.input), dollars(prices.output));
}

// The prices in dollars per million tokens.
std::string price_of(const anthropic::Model& model) {
  if (!model.prices) return "price not known";
  std::string text = price_of(*model.prices) + " per million tokens";
  if (model.long_prompt)
    text += fmt::format(", {} for prompts of more than {}k", price_of(model.long_prompt->prices),
                        model.long_prompt->above / 1000);
  return text;
}

std::string about(const anthropic::ModelTable& models, const anthropic::Model& model, Instant now) {
  std::string text = price_of(model);
  if (const anthropic::Model* newer = models.cheaper_successor(model))
    text += fmt::format("; {} is newer and costs less: {}", newer->id, price_of(*newer->prices));
  if (!anthropic::is_retiring(model.life, now)) return text;
  text += fmt::format("; it retires on {}", model.life.date);
  if (!model.life.successor.empty()) text += fmt::format(", then {}", model.life.successor);
  return text;
}

}  // namespace

Result<anthropic::ModelTable> load_models(const config::Environment& environment) {
  if (environment.models_file.empty()) return anthropic::parse_models(anthropic::kModelsJson);
  const auto text = read_file(environment.models_file);
  if (!text)
    return fail(ErrorKind::kConfiguration, fmt::format("CCPROXY_MODELS: {}", text.error().message));
  return anthropic::parse_models(*text);
}

std::string served_by(const anthropic::ModelTable& models, const config::Config& config,
                      std::string_view target) {
  const anthropic::Model* newest = models.newest_of(target);
  const std::string id = newest != nullptr ? newest->id : std::string(target);
  return config.follow_retirements ? models.successor(id) : id;
}

std::vector<ModelInUse> models_in_use(const anthropic::ModelTable& models,
                                      const config::Config& config, Instant now) {
  std::vector<ModelInUse> used;
  const auto add = [&](std::string id, const std::string& name) {
    const anthropic::Model* model = models.find(id);
    if (model == nullptr) return;
    const auto known =
        std::find_if(used.begin(), used.end(), [&](const ModelInUse& one) { return one.id == id; });
    if (known != used.end()) return known->names.push_back(name);
    used.push_back({std::move(id), {name}, about(models, *model, now)});
  };
  const proxy::MappedModel standard =
      proxy::map_model_name(models, config.model_mapping, config.translation.default_model);
  add(served_by(models, config, standard.target), "defaultModel");
  for (const auto& [name, target] : config.model_mapping)
    add(served_by(models, config, target), name);
  return used;
}

}  // namespace ccproxy::cli
