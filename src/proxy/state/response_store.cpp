#include "proxy/state/response_store.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <vector>

#include "base/uptime.hpp"
#include "proxy/state/running_response.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::minutes kSweepInterval{10};
constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;

std::uint64_t limit_of(const config::Store& config) { return config.max_megabytes * kMegabyte; }

}  // namespace

Result<void> ResponseStore::configure(const config::Store& config) {
  {
    const std::lock_guard lock(mutex_);
    config_ = config;
    is_enabled_ = config.enabled;
    next_sweep_ = {};  // the limits may be lower
    if (archive_) archive_->set_limit(limit_of(config));
    if (!is_enabled_ || archive_) return {};
  }
  auto opened = store::Archive::open(path_);
  if (!opened) return fail(opened.error());
  (*opened)->set_limit(limit_of(config));
  const bool is_open = (*opened)->is_open();
  const std::lock_guard lock(mutex_);
  archive_ = std::move(*opened);
  if (is_open) return {};
  return fail(
      ErrorKind::kBusy,
      fmt::format("another program has locked {}: responses are stored once it lets go", path_));
}

std::size_t ResponseStore::max_response_bytes() const {
  const std::lock_guard lock(mutex_);
  return config_.max_response_megabytes * kMegabyte;
}

std::shared_ptr<store::Archive> ResponseStore::archive() const {
  const std::lock_guard lock(mutex_);
  return is_enabled_ ? archive_ : nullptr;
}

void ResponseStore::tick() {
  std::shared_ptr<store::Archive> archive;
  {
    const std::lock_guard lock(mutex_);
    archive = archive_;
  }
  if (!archive) return;
  check_other_processes(archive);
  sweep(archive);
}

// Other processes may have died, or have asked to cancel, or erased, what runs here.
void ResponseStore::check_other_processes(const std::shared_ptr<store::Archive>& archive) {
  std::vector<std::shared_ptr<RunningResponse>> all;  // destroyed after the lock
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    if (is_checking_) return;
    for (const auto& [id, weak] : running_) {
      auto running = weak.lock();
      if (running && running->is_on_disk()) ids.push_back(id);
      all.push_back(std::move(running));
    }
  }
  archive->fail_orphans();
  const auto check = [this,
                      ids = std::move(ids)](const store::Responses& responses) -> Result<void> {
    const auto found = responses.cancellation_requests(ids);
    if (!found) return fail(found.error());
    for (const std::string& id : found->requested)
      if (const auto one = running(id)) one->cancel();
    for (const std::string& id : found->erased)
      if (const auto one = running(id)) one->note_erased();
    return {};
  };
  set_checking(true);
  try {
    archive->read(check, [this](const Result<void>&) { set_checking(false); });
  } catch (const std::exception&) {
    set_checking(false);
    throw;
  }
}

void ResponseStore::set_checking(bool is_checking) {
  const std::lock_guard lock(mutex_);
  is_checking_ = is_checking;
}

// The clocks are read in the archive's transaction: two processes that read them do so one after
// the other.
void ResponseStore::sweep(const std::shared_ptr<store::Archive>& archive) {
  const std::lock_guard lock(mutex_);
  if (Clock::now() < next_sweep_) return;
  next_sweep_ = Clock::now() + kSweepInterval;
  const std::int64_t days = config_.max_days;
  const std::uint64_t bytes = limit_of(config_);
  const auto sweep = [this, days, bytes](store::Responses& responses) {
    const auto now = responses.trusted_time({now_in_seconds(), read_uptime()});
    if (!now) return Result<void>(fail(now.error()));
    const auto swept = responses.sweep(*now, days, bytes);
    if (!swept) return Result<void>(fail(swept.error()));
    if (swept->has_more) {
      const std::lock_guard again(mutex_);
      next_sweep_ = {};
    }
    return Result<void>{};
  };
  archive->submit(sweep, {});
}

void ResponseStore::add(const std::shared_ptr<RunningResponse>& response) {
  const std::lock_guard lock(mutex_);
  running_[response->id()] = response;
}

void ResponseStore::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  running_.erase(id);
}

std::shared_ptr<RunningResponse> ResponseStore::running(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(std::string(id));
  return found == running_.end() ? nullptr : found->second.lock();
}

std::shared_ptr<RunningResponse> ResponseStore::running(std::string_view scope,
                                                        std::string_view id) const {
  auto response = running(id);  // without the lock: this may be its last owner
  return response && response->scope() == scope ? response : nullptr;
}

void ResponseStore::close(store::Archive::TimePoint until) {
  std::shared_ptr<store::Archive> archive;
  {
    const std::lock_guard lock(mutex_);
    archive = archive_;
  }
  if (archive) archive->close(until);
}

}  // namespace ccproxy::proxy
