#include "proxy/state/model_catalog.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "proxy/state/mapped_model.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::proxy {
namespace {

using anthropic::LifeState;

constexpr std::chrono::minutes kRefreshInterval{10};
constexpr std::chrono::minutes kRetryInterval{1};

}  // namespace

ModelCatalog::ModelCatalog(const anthropic::ModelTable& models, const config::Config& config)
    : models_(models) {
  rebuild(config);
}

void ModelCatalog::rebuild(const config::Config& config) {
  const std::lock_guard lock(mutex_);
  mapping_ = config.model_mapping;
  follows_retirements_ = config.follow_retirements;
  build();
}

void ModelCatalog::build() {
  anthropic::Mapping mapping;
  for (const auto& row : mapping_)
    mapping.emplace_back(row.first, map_model_name(models_, row).target);
  Entries entries = anthropic::list_models(models_, mapping, [&](std::string_view target) {
    return follows_retirements_ ? successor_of(target) : std::string(target);
  });
  std::erase_if(entries, [&](const anthropic::ModelEntry& entry) {
    return entry.maps_to.empty() && retired_.contains(entry.id);
  });
  entries_ = std::make_shared<const Entries>(std::move(entries));
  fresh_until_ = Clock::time_point::min();
}

std::shared_ptr<const ModelCatalog::Entries> ModelCatalog::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

std::string ModelCatalog::successor(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  return successor_of(id);
}

// Follows the table as ModelTable::successor() does, and retirements noticed since.
std::string ModelCatalog::successor_of(std::string_view id) const {
  std::string current = models_.successor(id);
  for (std::size_t steps = 0; steps <= retired_.size(); ++steps) {
    const anthropic::Model* row = models_.find(current);
    if (row == nullptr || !retired_.contains(row->id)) return current;
    current = models_.successor(row->life.successor);
  }
  return std::string(id);
}

bool ModelCatalog::retire(std::string_view id, Instant now) {
  const anthropic::Model* row = models_.find(id);
  if (row == nullptr || row->life.successor.empty() || row->life.state == LifeState::kRetired)
    return false;
  const auto date = instant_of(row->life.date);
  if (!date || now < *date) return false;
  const std::lock_guard lock(mutex_);
  if (retired_.insert(row->id).second) build();
  return true;
}

bool ModelCatalog::claim_refresh() {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (now < fresh_until_) return false;
  fresh_until_ = now + kRetryInterval;
  return true;
}

void ModelCatalog::release_refresh() {
  const std::lock_guard lock(mutex_);
  fresh_until_ = {};
}

void ModelCatalog::merge(std::string_view upstream_list) {
  // The lock is held while the list is merged: entries that rebuild() stores meanwhile would be
  // lost.
  const std::lock_guard lock(mutex_);
  auto merged = std::make_shared<Entries>(*entries_);
  if (!anthropic::merge_upstream(*merged, upstream_list, models_)) return;
  entries_ = std::move(merged);
  fresh_until_ = Clock::now() + kRefreshInterval;
}

void ModelCatalog::log_retired(telemetry::Log& log, const std::string& id,
                               const std::string& successor) {
  {
    const std::lock_guard lock(mutex_);
    if (!logged_as_retired_.insert(id).second) return;
  }
  log.write_message(
      telemetry::Level::kWarn, "model_retired",
      fmt::format("{} is retired: requests for it go to {} (followRetirements)", id, successor));
}

}  // namespace ccproxy::proxy
