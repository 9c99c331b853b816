// The models this server knows: the built-in table, the names of the mapping, what the upstream
// lists once it was asked, and which have retired since. Shared by all workers.
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
#include "telemetry/log.hpp"

namespace ccproxy::proxy {

class ModelCatalog {
 public:
  using Entries = std::vector<anthropic::ModelEntry>;

  // `models` must outlive it.
  ModelCatalog(const anthropic::ModelTable& models, const config::Config& config);

  [[nodiscard]] std::shared_ptr<const Entries> entries() const;

  // Starts again from the table and another mapping.
  void rebuild(const config::Config& config);

  // True for the caller that should ask the upstream now: the list is older than ten minutes and
  // nobody else was told so within the last minute.
  [[nodiscard]] bool claim_refresh();
  // What was claimed was not done: the next caller should ask.
  void release_refresh();
  // Lays what the upstream lists over the table; a body that is no such list changes nothing.
  void merge(std::string_view upstream_list);

  // The id to send instead: follows what has retired, by the table or since.
  [[nodiscard]] std::string successor(std::string_view id) const;

  // The upstream says that there is no such model. It counts as retired for the life of the process
  // when its date has passed at `now` and it has a successor; false when it does not.
  [[nodiscard]] bool retire(std::string_view id, Instant now);

  // One log line per retired id, not one per request.
  void say_retired(telemetry::Log& log, const std::string& id, const std::string& successor);

 private:
  void build();
  [[nodiscard]] std::string successor_of(std::string_view id) const;

  const anthropic::ModelTable& models_;
  mutable std::mutex mutex_;
  config::ModelMapping mapping_;
  bool follows_ = true;
  std::set<std::string> retired_;  // ids of the table
  std::shared_ptr<const Entries> entries_;
  Clock::time_point fresh_until_ = Clock::time_point::min();
  std::set<std::string> said_retired_;
};

}  // namespace ccproxy::proxy
