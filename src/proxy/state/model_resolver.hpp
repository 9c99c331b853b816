// Which model serves a request: the mapping comes first, or the id that a name spells; then the
// successors of retired models.
#pragma once

#include <string>
#include <string_view>

#include "anthropic/models.hpp"
#include "base/timestamp.hpp"
#include "config/config.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::telemetry {
class Log;
}

namespace ccproxy::proxy {

class ModelCatalog;
struct Shared;

class ModelResolver {
 public:
  // All must outlive it.
  ModelResolver(const anthropic::ModelTable& models, ModelCatalog& catalog, telemetry::Log& log)
      : models_(models), catalog_(catalog), log_(log) {}
  explicit ModelResolver(const Shared& shared);

  // The id to send for the name that a client requested. Writes both to the receipt, and a warning
  // where a retired model was replaced, or one that is about to retire was requested. Names of the
  // built-in mapping bring no warning: nobody chose their targets.
  [[nodiscard]] std::string resolve(const config::Config& config, const std::string& name,
                                    telemetry::Receipt& receipt) const;

  // For a request that the upstream refused with 404 and `error_body`. Where the error names the
  // model and the date of its retirement has passed, the model counts as retired from now on: then
  // the id of its successor is returned, and written to the receipt. Empty for every other error.
  [[nodiscard]] std::string successor_of_missing(const config::Config& config,
                                                 std::string_view error_body, Instant now,
                                                 telemetry::Receipt& receipt) const;

 private:
  [[nodiscard]] bool is_retiring(std::string_view id) const;

  const anthropic::ModelTable& models_;
  ModelCatalog& catalog_;
  telemetry::Log& log_;
};

}  // namespace ccproxy::proxy
