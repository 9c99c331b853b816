#include "proxy/state/model_facts.hpp"

#include <algorithm>

namespace ccproxy::proxy {
namespace {

// Names of models come from clients: beyond this number all are forgotten and learned again.
constexpr std::size_t kMaxModels = 1024;
constexpr std::size_t kMaxNameLength = 256;
// Bounds of the refused schemas. Owners come from the configuration, not from clients.
constexpr std::size_t kMaxOwners = 1024;
constexpr std::size_t kMaxModelsOfOwner = 16;
constexpr std::size_t kMaxSchemasOfModel = 64;  // sets of schemas, for each owner

}  // namespace

anthropic::Capabilities ModelFacts::from_table(std::string_view model) const {
  const anthropic::Family* family = table_.family_of(model);
  return anthropic::capabilities_of(family ? *family : *table_.newest_family());
}

anthropic::Capabilities ModelFacts::of(std::string_view model) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(model); found != known_.end())
      return found->second.capabilities;
  }
  return from_table(model);
}

ModelFacts::Known& ModelFacts::known(std::string_view model) {
  const auto found = known_.find(model);
  if (found != known_.end()) return found->second;
  if (known_.size() >= kMaxModels) known_.clear();
  return known_.emplace(model, Known{from_table(model)}).first->second;
}

void ModelFacts::apply(std::string_view model, anthropic::CapabilityCorrection correction,
                       std::optional<anthropic::Effort> sent) {
  if (model.size() > kMaxNameLength) return;
  const std::lock_guard lock(mutex_);
  anthropic::apply(known(model).capabilities, correction, sent);
}

void ModelFacts::refuse_schemas(const SchemaOwner& owner, std::string_view model,
                                std::string_view digest) {
  if (model.size() > kMaxNameLength) return;
  const std::lock_guard lock(mutex_);
  if (refused_.size() >= kMaxOwners && !refused_.contains(owner)) refused_.clear();
  Refused& of_owner = refused_[owner];
  auto found = of_owner.find(model);
  if (found == of_owner.end()) {
    if (of_owner.size() >= kMaxModelsOfOwner) of_owner.clear();
    found = of_owner.emplace(model, std::vector<std::string>()).first;
  }
  std::vector<std::string>& refused = found->second;
  if (std::find(refused.begin(), refused.end(), digest) != refused.end()) return;
  if (refused.size() == kMaxSchemasOfModel) refused.erase(refused.begin());
  refused.emplace_back(digest);
}

std::vector<std::string> ModelFacts::refused_schemas(const SchemaOwner& owner,
                                                     std::string_view model) const {
  const std::lock_guard lock(mutex_);
  const auto of_owner = refused_.find(owner);
  if (of_owner == refused_.end()) return {};
  const auto found = of_owner->second.find(model);
  return found == of_owner->second.end() ? std::vector<std::string>() : found->second;
}

bool ModelFacts::claim_lookup(std::string_view model) {
  if (model.size() > kMaxNameLength || table_.family_of(model)) return false;
  const std::lock_guard lock(mutex_);
  if (known_.contains(model)) return false;
  known(model);
  return true;
}

bool ModelFacts::knows(std::string_view model) const {
  if (table_.family_of(model)) return true;
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(model);
  return found != known_.end() && found->second.is_from_api;
}

void ModelFacts::note(std::string_view model, std::string_view body) {
  const std::lock_guard lock(mutex_);
  Known& one = known(model);
  const auto capabilities = anthropic::capabilities_from_api(body, one.capabilities);
  if (!capabilities) return;
  one.capabilities = *capabilities;
  one.is_from_api = true;
}

}  // namespace ccproxy::proxy
