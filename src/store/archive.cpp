#include "store/archive.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/retry_on_bad_alloc.hpp"
#include "store/archive_writer.hpp"

namespace ccproxy::store {
namespace {

constexpr std::uint64_t kMaxBatchBytes = std::uint64_t{8} << 20;
// How long a read waits for another process: a client has to get its reply within a second.
constexpr std::chrono::milliseconds kReadTimeout{900};
// How long the start waits for a locked file, and how often opening it is tried again after that.
constexpr std::chrono::seconds kOpenTimeout{1};
constexpr std::chrono::milliseconds kOpenInterval{100};
// How often erasing the rows of withdrawn responses is tried.
constexpr std::chrono::seconds kRetryInterval{1};

Error closed() { return {ErrorKind::kClosed, "the store is closed"}; }

}  // namespace

Result<std::unique_ptr<Archive>> Archive::open(const std::string& path) {
  auto writer = Writer::open(path, kOpenTimeout);
  if (!writer && writer.error().kind != ErrorKind::kBusy) return fail(writer.error());
  std::unique_ptr<Archive> archive(new Archive());
  archive->is_open_ = writer.has_value();
  archive->start(path, writer ? std::move(*writer) : nullptr);
  return archive;
}

void Archive::start(std::string path, std::unique_ptr<Writer> writer) {
  thread_ = std::thread([this, path = std::move(path), writer = std::move(writer)]() mutable {
    if (!writer) writer = open_later(path);
    if (!writer) return;
    owners_ = &writer->owners();
    is_open_ = true;
    run(*writer);
    writer.reset();
  });
}

// Returns nullptr when the archive was closed before the file could be opened. Meanwhile jobs fail
// when they have waited for as long as they would wait for their turn.
std::unique_ptr<Archive::Writer> Archive::open_later(const std::string& path) {
  Error why = build_error(locked);
  while (true) {
    {
      std::unique_lock lock(mutex_);
      arrived_.wait_for(lock, kOpenInterval, [this] { return is_closed_; });
      if (is_closed_) break;
    }
    fail_overdue(false, why);
    auto writer = safely([&] { return open_now(path); });
    if (writer) return std::move(*writer);
    retry_on_bad_alloc([&] { why = writer.error(); });
  }
  fail_overdue(true, build_error(closed));
  return nullptr;
}

Result<std::unique_ptr<Archive::Writer>> Archive::open_now(const std::string& path) {
  auto writer = Writer::open(path, kLockTimeout);
  if (!writer && writer.error().kind == ErrorKind::kBusy) return fail(locked());
  return writer;
}

void Archive::fail_overdue(bool all, const Error& why) {
  const auto now = std::chrono::steady_clock::now();
  std::vector<Job> jobs;
  retry_on_bad_alloc([&] {
    const std::lock_guard lock(mutex_);
    move_matching(jobs, [&](const Job& job) { return all || job.until <= now; });
    for (const Job& job : jobs) bytes_ -= job.bytes;
  });
  Writer::fail_all(jobs, why);
}

// To be called under the lock. When there is no memory, the jobs stay where they are.
void Archive::move_matching(std::vector<Job>& to, FunctionRef<bool(const Job&)> which) {
  const auto count = std::count_if(waiting_.begin(), waiting_.end(), which);
  to.reserve(to.size() + static_cast<std::size_t>(count));
  const auto first = std::stable_partition(waiting_.begin(), waiting_.end(),
                                           [&](const Job& job) { return !which(job); });
  std::move(first, waiting_.end(), std::back_inserter(to));
  waiting_.erase(first, waiting_.end());
}

void Archive::submit(Work work, Callback done, std::size_t bytes) {
  enqueue({std::move(work), Turn::kWrite, std::move(done), bytes,
           std::chrono::steady_clock::now() + kWriteTimeout});
}

void Archive::read(Query query, Callback done) {
  enqueue({[query = std::move(query)](const Responses& responses) { return query(responses); },
           Turn::kRead, std::move(done), 0, std::chrono::steady_clock::now() + kReadTimeout});
}

// The second job stands behind everything that may still be written for the response. When the file
// was never open, nothing was written.
void Archive::withdraw(const std::string& id) {
  const auto hide = [id](Responses& responses) -> Result<void> {
    responses.hide(id);
    return {};
  };
  const auto nothing = [](Responses&) -> Result<void> { return {}; };
  const auto until = std::chrono::steady_clock::now() + kWriteTimeout;
  enqueue({hide, Turn::kFirst, {}, 0, until});
  enqueue({nothing, Turn::kWrite,
           [this, id](const Result<void>& done) {
             if (!is_open_ || (!done && done.error().kind == ErrorKind::kClosed)) return;
             withdrawn_.push_back(id);
           },
           0, until});
}

void Archive::fail_orphans() {
  const auto is_dead = [this](const std::string& owner) { return owners_->is_dead(owner); };
  const auto mark = [is_dead](Responses& responses) -> Result<void> {
    const auto marked = responses.mark_interrupted(is_dead);
    if (!marked) return fail(marked.error());
    return {};
  };
  read(
      [this, is_dead, mark](const Responses& responses) -> Result<void> {
        const auto owners = responses.owners();
        if (!owners) return fail(owners.error());
        if (std::any_of(owners->begin(), owners->end(), is_dead)) submit(mark, {});
        return {};
      },
      {});
}

void Archive::enqueue(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_closed_) {
      bytes_ += job.bytes;
      waiting_.push_back(std::move(job));
      arrived_.notify_one();
      return;
    }
  }
  if (job.done) job.done(fail(closed()));
}

std::size_t Archive::queued() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + under_way_;
}

std::uint64_t Archive::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

// Waits for jobs, either without a limit or for kRetryInterval. Returns nothing when the archive is
// closed and no job is left.
std::optional<std::vector<Archive::Job>> Archive::take(bool waits_for_ever) {
  std::vector<Job> jobs;
  retry_on_bad_alloc([&] { jobs.reserve(kMaxBatch); });
  std::unique_lock lock(mutex_);
  under_way_ = 0;
  const auto has_come = [this] { return !waiting_.empty() || is_closed_; };
  if (waits_for_ever)
    arrived_.wait(lock, has_come);
  else
    arrived_.wait_for(lock, kRetryInterval, has_come);
  if (waiting_.empty() && is_closed_) return std::nullopt;
  std::uint64_t bytes = 0;
  const std::size_t most = std::min(waiting_.size(), kMaxBatch);
  while (under_way_ < most && (bytes == 0 || bytes + waiting_[under_way_].bytes <= kMaxBatchBytes))
    bytes += waiting_[under_way_++].bytes;
  bytes_ -= bytes;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(under_way_);
  std::move(waiting_.begin(), end, std::back_inserter(jobs));
  waiting_.erase(waiting_.begin(), end);
  return jobs;
}

// Takes the waiting jobs that only read, in their order.
void Archive::take_reads(std::vector<Job>& jobs) {
  const std::lock_guard lock(mutex_);
  move_matching(jobs, [](const Job& job) { return job.turn != Turn::kWrite; });
}

void Archive::run(Writer& writer) {
  auto next_try = std::chrono::steady_clock::time_point::min();
  const auto more_reads = [this](std::vector<Job>& jobs) { take_reads(jobs); };
  while (auto jobs = take(withdrawn_.empty())) {
    if (is_late()) {
      Writer::fail_all(*jobs, build_error(closed));
      continue;
    }
    writer.run(*jobs, {limit_, queued_bytes(), until_}, more_reads);
    const auto now = std::chrono::steady_clock::now();
    if (withdrawn_.empty() || now < next_try) continue;
    writer.erase_withdrawn(withdrawn_);
    if (!withdrawn_.empty()) next_try = now + kRetryInterval;
  }
  if (is_late()) return;
  writer.erase_withdrawn(withdrawn_);
  writer.checkpoint();
}

void Archive::close(TimePoint until) {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    until_ = until;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Archive::~Archive() { close(); }

}  // namespace ccproxy::store
