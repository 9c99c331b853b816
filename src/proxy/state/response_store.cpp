#include "proxy/state/response_store.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <vector>

#include "base/uptime.hpp"
#include "proxy/state/running_response.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::minutes kBetweenSweeps{10};
constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;

std::uint64_t limit_of(const config::Store& config) { return config.max_megabytes * kMegabyte; }

}  // namespace

Result<void> ResponseStore::configure(const config::Store& config) {
  {
    const std::lock_guard lock(mutex_);
    config_ = config;
    is_on_ = config.enabled;
    next_sweep_ = {};  // there may be less room
    if (archive_) archive_->set_limit(limit_of(config));
    if (!is_on_ || archive_) return {};
  }
  auto opened = store::Archive::open(path_);
  if (!opened) return fail(opened.error());
  (*opened)->set_limit(limit_of(config));
  const bool is_open = (*opened)->is_open();
  const std::lock_guard lock(mutex_);
  archive_ = std::move(*opened);
  if (is_open) return {};
  return fail(ErrorKind::kBusy,
              fmt::format("another program has locked {}: they are when it lets go", path_));
}

std::size_t ResponseStore::most_response_bytes() const {
  const std::lock_guard lock(mutex_);
  return config_.max_response_megabytes * kMegabyte;
}

std::shared_ptr<store::Archive> ResponseStore::archive() const {
  const std::lock_guard lock(mutex_);
  return is_on_ ? archive_ : nullptr;
}

void ResponseStore::tick() {
  std::shared_ptr<store::Archive> archive;
  {
    const std::lock_guard lock(mutex_);
    archive = archive_;
  }
  if (!archive) return;
  look_at_others(archive);
  sweep(archive);
}

// Another process may have died, or have been asked to end or to erase what runs here.
void ResponseStore::look_at_others(const std::shared_ptr<store::Archive>& archive) {
  std::vector<std::shared_ptr<RunningResponse>> all;  // outlives the lock
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    if (is_looking_) return;
    for (const auto& [id, weak] : running_) {
      auto running = weak.lock();
      if (running && running->is_on_disk()) ids.push_back(id);
      all.push_back(std::move(running));
    }
  }
  archive->fail_orphans();
  const auto query = [this, ids = std::move(ids)](const store::Responses& kept) -> Result<void> {
    const auto found = kept.to_end(ids);
    if (!found) return fail(found.error());
    for (const std::string& id : found->asked)
      if (const auto one = running(id)) one->cancel();
    for (const std::string& id : found->erased)
      if (const auto one = running(id)) one->note_erased();
    return {};
  };
  set_looking(true);
  try {
    archive->read(query, [this](const Result<void>&) { set_looking(false); });
  } catch (const std::exception&) {
    set_looking(false);
    throw;
  }
}

void ResponseStore::set_looking(bool is_looking) {
  const std::lock_guard lock(mutex_);
  is_looking_ = is_looking;
}

// The clocks are read when it has its turn to write: two processes that look do so one after the
// other.
void ResponseStore::sweep(const std::shared_ptr<store::Archive>& archive) {
  const std::lock_guard lock(mutex_);
  if (Clock::now() < next_sweep_) return;
  next_sweep_ = Clock::now() + kBetweenSweeps;
  const std::int64_t days = config_.max_days;
  const std::uint64_t bytes = limit_of(config_);
  const auto sweep = [this, days, bytes](store::Responses& kept) {
    const auto now = kept.trusted_time({now_in_seconds(), read_uptime()});
    if (!now) return Result<void>(fail(now.error()));
    const auto swept = kept.sweep(*now, days, bytes);
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
  auto response = running(id);  // outlives the lock: it may be the last that has it
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

store::Archive::Done ArchiveFuture::callback() {
  return [&runtime = runtime_, weak = std::weak_ptr(state_)](Result<void> done) {
    runtime.post([weak, done = std::move(done)] {
      const auto state = weak.lock();
      if (!state) return;
      state->result = done;
      state->changed.notify();
    });
  };
}

Task<Result<void>> ArchiveFuture::wait() {
  const auto state = state_;
  while (!state->result) co_await state->changed.wait();
  co_return *state->result;
}

Task<std::optional<Result<void>>> ArchiveFuture::wait_for(Clock::duration limit) {
  const auto state = state_;
  bool is_late = limit <= Clock::duration::zero();
  net::Deadline deadline(runtime_, [&is_late, state = state.get()] {
    is_late = true;
    state->changed.notify();
  });
  if (!is_late) deadline.expires_after(limit);
  while (!state->result && !is_late) co_await state->changed.wait();
  co_return state->result;
}

}  // namespace ccproxy::proxy
