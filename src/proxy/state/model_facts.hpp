// What each model can do, as far as this process knows: from the table, from the upstream's own
// entry for a model that is not in the table, and from requests that the upstream refused. Shared
// by all workers, and forgotten with the process.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "anthropic/capabilities.hpp"
#include "anthropic/models.hpp"

namespace ccproxy::proxy {

// Who sent a schema. One proxy key's clients do not learn what another's have sent, and what the
// upstream compiles may depend on the credential.
struct SchemaOwner {
  std::string credential;  // tag of the credential
  std::string key;         // name of the proxy key; empty where none is required
  bool operator<(const SchemaOwner& other) const {
    return std::tie(credential, key) < std::tie(other.credential, other.key);
  }
};

// Safe from every thread.
class ModelFacts {
 public:
  // `table` must outlive it.
  explicit ModelFacts(const anthropic::ModelTable& table) : table_(table) {}

  // The capabilities of `model`; for an unknown model those of the newest family.
  [[nodiscard]] anthropic::Capabilities of(std::string_view model) const;

  // Corrects the capabilities of `model` by what a refused request has shown. `sent` is the effort
  // of that request.
  void apply(std::string_view model, anthropic::CapabilityCorrection correction,
             std::optional<anthropic::Effort> sent);

  // Sets of schemas (Decoded::schemas, by their digest) that the upstream could not compile for the
  // model. They say nothing about the model's capabilities, and hold for their owner alone.
  // The last few of each owner's are remembered, so no owner displaces another's.
  void refuse_schemas(const SchemaOwner& owner, std::string_view model, std::string_view digest);
  [[nodiscard]] std::vector<std::string> refused_schemas(const SchemaOwner& owner,
                                                         std::string_view model) const;

  // True once for each model that is not in the table: that caller should look it up upstream.
  [[nodiscard]] bool claim_lookup(std::string_view model);
  // False while the capabilities of `model` are only assumed to be those of the newest family.
  [[nodiscard]] bool knows(std::string_view model) const;
  // Takes the capabilities from `body`, the upstream's response to GET /v1/models/{id}.
  void note(std::string_view model, std::string_view body);

 private:
  [[nodiscard]] anthropic::Capabilities from_table(std::string_view model) const;
  struct Known {
    anthropic::Capabilities capabilities;
    bool is_from_api = false;  // else from the table, or from the newest family
  };
  Known& known(std::string_view model);  // wants the mutex locked

  const anthropic::ModelTable& table_;
  mutable std::mutex mutex_;
  std::map<std::string, Known, std::less<>> known_;
  using Refused = std::map<std::string, std::vector<std::string>, std::less<>>;  // by model
  std::map<SchemaOwner, Refused> refused_;
};

}  // namespace ccproxy::proxy
