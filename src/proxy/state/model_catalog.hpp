// The models that this server offers: those of the built-in table, the names of the mapping, what
// the upstream lists, and which have retired since. Shared by all workers.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anthropic/model_list.hpp"
#include "anthropic/models.hpp"
#include "base/clock.hpp"
#include "base/timestamp.hpp"
#include "config/config.hpp"
#include "config/model_map.hpp"

namespace ccproxy::telemetry {
class Log;
}

namespace ccproxy::proxy {

// Safe from every thread.
class ModelCatalog {
 public:
  using Entries = std::vector<anthropic::ModelEntry>;

  // `models` must outlive it.
  ModelCatalog(const anthropic::ModelTable& models, const config::Config& config);

  [[nodiscard]] std::shared_ptr<const Entries> entries() const;

  // Starts again from the table and the mapping of `config`.
  void rebuild(const config::Config& config);

  // True for the caller that should fetch the upstream's list now: the last one is older than ten
  // minutes, and nobody else has claimed it within the last minute.
  [[nodiscard]] bool claim_refresh();
  // Gives the claim back, since the list was not fetched: the next caller may claim it.
  void release_refresh();
  // Lays the upstream's list over the table. A body that is no such list changes nothing.
  void merge(std::string_view upstream_list);

  // The id to send for `id`: follows retirements, those of the table and those noticed since.
  [[nodiscard]] std::string successor(std::string_view id) const;

  // Counts `id` as retired for the life of the process, since the upstream does not know it.
  // Returns false, and changes nothing, unless its date has passed at `now` and it has a successor.
  [[nodiscard]] bool retire(std::string_view id, Instant now);

  // Writes a line to the log for the first request of each retired id, and none for the others.
  void log_retired(telemetry::Log& log, const std::string& id, const std::string& successor);

 private:
  // Both want the mutex locked.
  void build();
  [[nodiscard]] std::string successor_of(std::string_view id) const;

  const anthropic::ModelTable& models_;
  mutable std::mutex mutex_;  // guards what follows
  config::ModelMapping mapping_;
  bool follows_retirements_ = true;
  std::set<std::string> retired_;  // ids of the table
  std::shared_ptr<const Entries> entries_;
  Clock::time_point fresh_until_ = Clock::time_point::min();
  std::set<std::string> logged_as_retired_;
};

}  // namespace ccproxy::proxy
