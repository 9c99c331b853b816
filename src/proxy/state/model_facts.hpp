// What each model can do, as this server knows it by now: the table, what the upstream says of a
// model that is not in it, and what refused requests have taught. Shared by all workers, for the
// life of the process.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anthropic/capabilities.hpp"
#include "anthropic/models.hpp"

namespace ccproxy::proxy {

// Safe from every thread.
class ModelFacts {
 public:
  // `table` must outlive it.
  explicit ModelFacts(const anthropic::ModelTable& table) : table_(table) {}

  // For an unknown model what the newest family can do.
  [[nodiscard]] anthropic::Capabilities of(std::string_view model) const;

  void learn(std::string_view model, anthropic::Lesson lesson,
             std::optional<anthropic::Effort> sent);

  // Sets of schemas (Decoded::schemas) that the upstream could not compile for the model. The last
  // few are remembered.
  void refuse_schemas(std::string_view model, std::string_view digest);
  [[nodiscard]] std::vector<std::string> refused_schemas(std::string_view model) const;

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
    std::vector<std::string> refused_schemas{};
  };
  Known& known(std::string_view model);

  const anthropic::ModelTable& table_;
  mutable std::mutex mutex_;
  std::map<std::string, Known, std::less<>> known_;
};

}  // namespace ccproxy::proxy
