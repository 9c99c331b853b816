// What each model can do, as this server knows it by now: the table, what the upstream says of a
// model that is not in it, and what refused requests have taught. Shared by all workers, for the
// life of the process.
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

// Whose schemas they were: what the clients of one proxy key send, and what became of it, is
// nobody's else, and a credential's limits are its own.
struct SchemaOwner {
  std::string credential;  // its tag
  std::string key;         // its name; empty where none is asked for
  bool operator<(const SchemaOwner& other) const {
    return std::tie(credential, key) < std::tie(other.credential, other.key);
  }
};

// Safe from every thread.
class ModelFacts {
 public:
  // `table` must outlive it.
  explicit ModelFacts(const anthropic::ModelTable& table) : table_(table) {}

  // For an unknown model what the newest family can do.
  [[nodiscard]] anthropic::Capabilities of(std::string_view model) const;

  void apply(std::string_view model, anthropic::CapabilityCorrection lesson,
             std::optional<anthropic::Effort> sent);

  // Sets of schemas (Decoded::schemas) that the upstream could not compile for the model: of
  // content, not of the model, and known to their owner alone. The last few of each owner's are
  // remembered, so that nobody makes another's forgotten.
  void refuse_schemas(const SchemaOwner& owner, std::string_view model, std::string_view digest);
  [[nodiscard]] std::vector<std::string> refused_schemas(const SchemaOwner& owner,
                                                         std::string_view model) const;

  // True once for each model that is not in the table: for the caller that should ask about it.
  [[nodiscard]] bool claim_lookup(std::string_view model);
  // False while all that is known of it is taken from the newest family.
  [[nodiscard]] bool knows(std::string_view model) const;
  // Takes what the upstream says of it, the body of GET /v1/models/{id}.
  void note(std::string_view model, std::string_view body);

 private:
  [[nodiscard]] anthropic::Capabilities from_table(std::string_view model) const;
  struct Known {
    anthropic::Capabilities capabilities;
    bool is_told = false;  // by the upstream
  };
  Known& known(std::string_view model);

  const anthropic::ModelTable& table_;
  mutable std::mutex mutex_;
  std::map<std::string, Known, std::less<>> known_;
  using Refused = std::map<std::string, std::vector<std::string>, std::less<>>;  // by model
  std::map<SchemaOwner, Refused> refused_;
};

}  // namespace ccproxy::proxy
