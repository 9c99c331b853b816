#include "proxy/catalog.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::minutes kFresh{10};
constexpr std::chrono::minutes kRetry{1};

Catalog::Entries built_in(const anthropic::ModelTable& models, const config::Config& config) {
  const anthropic::Mapping mapping(config.model_mapping.begin(), config.model_mapping.end());
  return anthropic::list_models(models, mapping, [&](std::string_view target) {
    return config.follow_retirements ? models.successor(target) : std::string(target);
  });
}

}  // namespace

Catalog::Catalog(const anthropic::ModelTable& models, const config::Config& config)
    : models_(models), entries_(std::make_shared<const Entries>(built_in(models, config))) {}

void Catalog::rebuild(const config::Config& config) {
  auto entries = std::make_shared<const Entries>(built_in(models_, config));
  const std::lock_guard lock(mutex_);
  entries_ = std::move(entries);
  fresh_until_ = Clock::time_point::min();
}

std::shared_ptr<const Catalog::Entries> Catalog::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

bool Catalog::claim_refresh() {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (now < fresh_until_) return false;
  fresh_until_ = now + kRetry;
  return true;
}

void Catalog::merge(std::string_view upstream_list) {
  // Under the lock from the first look on, or what rebuild() has put there meanwhile would be lost.
  const std::lock_guard lock(mutex_);
  auto merged = std::make_shared<Entries>(*entries_);
  if (!anthropic::merge_upstream(*merged, upstream_list, models_)) return;
  entries_ = std::move(merged);
  fresh_until_ = Clock::now() + kFresh;
}

void Catalog::say_retired(telemetry::Log& log, const std::string& id,
                          const std::string& successor) {
  {
    const std::lock_guard lock(mutex_);
    if (!said_retired_.insert(id).second) return;
  }
  log.say(
      telemetry::Level::kWarn, "model_retired",
      fmt::format("{} is retired: requests for it go to {} (followRetirements)", id, successor));
}

}  // namespace ccproxy::proxy
