#include "store/archive_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <system_error>

#include "store/schema.hpp"

namespace ccproxy::store {
namespace {

constexpr std::uint64_t kMaxLog = std::uint64_t{4} << 20;  // bytes the write-ahead log may keep
constexpr std::uint64_t kLogPart = 32;                     // ... or this part of a small limit

using Kind = Transaction::Kind;

Result<void> in_transaction(Database& database, Kind kind, FunctionRef<Result<void>()> work,
                            std::chrono::milliseconds wait = kDefaultWait) {
  auto transaction = Transaction::begin(database, kind, wait);
  if (!transaction) return fail(transaction.error());
  if (auto done = work(); !done) return done;
  return transaction->commit();
}

// How many bytes of the disk the write-ahead log may keep.
std::uint64_t max_log_bytes(std::uint64_t limit) {
  return limit == 0 ? kMaxLog : std::min(kMaxLog, limit / kLogPart);
}

tl::unexpected<Error> rolled_back_error(const Result<void>& last) {
  return last ? fail(ErrorKind::kIo, "the store could not go on writing") : fail(last.error());
}

}  // namespace

Error locked() {
  return {ErrorKind::kBusy, "Another program has locked the store: try again.", "", "",
          std::chrono::seconds(1)};
}

Result<std::unique_ptr<Archive::Writer>> Archive::Writer::open(const std::string& path,
                                                               std::chrono::milliseconds wait) {
  auto owners = Owners::enter(path, wait);
  if (!owners) return fail(owners.error());
  auto database = Database::open(path, wait);
  if (!database) return fail(database.error());
  auto writer = std::make_unique<Writer>(path, std::move(*owners), std::move(*database));
  if (auto settled = writer->settle(wait); !settled)
    return fail(settled.error().kind, fmt::format("{}: {}", path, settled.error().message));
  return writer;
}

Result<void> Archive::Writer::settle(std::chrono::milliseconds wait) {
  if (auto migrated = migrate(database_, wait); !migrated) return migrated;
  const auto is_dead = [this](const std::string& owner) { return owners_.is_dead(owner); };
  const auto mark = [&]() -> Result<void> {
    const auto marked = responses_.mark_interrupted(is_dead);
    if (!marked) return fail(marked.error());
    return {};
  };
  if (auto marked = in_transaction(database_, Kind::kWrite, mark, wait); !marked) return marked;
  owners_.settle();
  return {};
}

void Archive::Writer::run(std::vector<Job>& jobs, const Bounds& bounds, MoreReads more_reads) {
  const auto did = safely([&]() -> Result<void> {
    run_all(jobs, bounds, more_reads);
    return {};
  });
  if (!did) fail_all(jobs, did.error());
  if (!did) fail_all(late_reads_, did.error());
  late_reads_.clear();
}

void Archive::Writer::run_all(std::vector<Job>& jobs, const Bounds& bounds, MoreReads more_reads) {
  std::vector<Job*> writes;
  for (Job& job : jobs)
    if (job.turn == Turn::kWrite) writes.push_back(&job);
  run_first(jobs);
  for (std::span<Job*> left(writes); !left.empty();)
    left = left.subspan(write_batch(left, bounds, wait_for_write_lock(jobs, bounds, more_reads)));
  for (std::vector<Job>* reads : {&jobs, &late_reads_}) {
    while (!run_reads(*reads, bounds.until)) report(*reads);
    report(*reads);
  }
  if (!writes.empty()) truncate_log(bounds.limit);  // after the results: nobody waits for it
}

void Archive::Writer::fail_all(std::vector<Job>& jobs, const Error& why) {
  for (Job& job : jobs)
    retry_on_bad_alloc([&] {
      if (!job.result) job.result = fail(why);
    });
  report(jobs);
}

// Written data stands in the write-ahead log first and then in the file; both count for the limit.
void Archive::Writer::truncate_log(std::uint64_t limit) {
  std::error_code error;
  const auto size = std::filesystem::file_size(log_, error);
  if (error || size <= max_log_bytes(limit)) return;
  database_.set_busy_timeout(kLockTimeout);
  (void)safely([this] { return database_.run("PRAGMA wal_checkpoint(TRUNCATE)"); });
  database_.set_busy_timeout(kDefaultWait);
}

// Runs in the transaction of these jobs. Returns false when the limit has no room for them.
Result<bool> Archive::Writer::make_room(std::span<Job*> jobs, const Bounds& bounds) {
  std::uint64_t bytes = 0;
  for (const Job* job : jobs) bytes += job->bytes;
  if (bounds.limit == 0 || bytes == 0) return true;
  const std::uint64_t taken = bounds.queued + max_log_bytes(bounds.limit);
  auto has_room = responses_.make_room(bytes, bounds.limit - std::min(bounds.limit, taken));
  // Perhaps the jobs that wait take the room: they are judged when their turn comes.
  if (has_room && !*has_room && bounds.queued > 0)
    has_room = responses_.make_room(bytes, bounds.limit - max_log_bytes(bounds.limit));
  return has_room;
}

// While it waits for the write lock, it serves jobs that only read.
Result<Transaction> Archive::Writer::wait_for_write_lock(std::vector<Job>& jobs,
                                                         const Bounds& bounds,
                                                         MoreReads more_reads) {
  const auto until = std::chrono::steady_clock::now() + kWriteTimeout;
  while (true) {
    auto transaction = Transaction::begin(database_, Kind::kWrite, kLockTimeout);
    if (transaction || transaction.error().kind != ErrorKind::kBusy ||
        std::chrono::steady_clock::now() >= std::min(until, bounds.until.load()))
      return transaction;
    (void)run_reads(jobs, bounds.until);
    report(jobs);
    run_late_reads(bounds, more_reads);
  }
}

void Archive::Writer::run_late_reads(const Bounds& bounds, MoreReads more_reads) {
  more_reads(late_reads_);
  run_first(late_reads_);
  (void)run_reads(late_reads_, bounds.until);
  report(late_reads_);
  std::erase_if(late_reads_, [](const Job& job) { return job.is_reported; });
}

// When an exception ends the transaction, nothing of it was committed, and no job may report that
// it was.
std::size_t Archive::Writer::write_batch(std::span<Job*> jobs, const Bounds& bounds,
                                         Result<Transaction> transaction) {
  try {
    return try_to_write_batch(jobs, bounds, std::move(transaction));
  } catch (const std::exception&) {
    for (Job* job : jobs) job->result.reset();
    throw;
  }
}

// Runs one transaction. Returns how many jobs have their result: not all of them when SQLite rolled
// the transaction back in the middle, as it does on a full disk.
std::size_t Archive::Writer::try_to_write_batch(std::span<Job*> jobs, const Bounds& bounds,
                                                Result<Transaction> transaction) {
  std::size_t count = 0;
  Result<void> committed;
  if (!transaction) {
    committed = fail(transaction.error());
    for (Job* job : jobs) job->result = committed;
    return jobs.size();
  }
  const auto has_room = safely([&] { return make_room(jobs, bounds); });
  for (Job* job : jobs) {
    if (job->bytes > 0 && has_room && !*has_room) {
      job->result = fail(ErrorKind::kTooLarge, "the store is full (store.maxMegabytes)");
      ++count;
      continue;
    }
    job->result = safely([&] {
      return in_transaction(database_, Kind::kNested, [&] { return job->work(responses_); });
    });
    ++count;
    if (database_.in_transaction()) continue;
    committed = rolled_back_error(*job->result);
    break;
  }
  if (committed) committed = safely([&] { return transaction->commit(); });
  for (Job* job : jobs.first(count))
    if (*job->result && !committed) job->result = committed;
  return count;
}

void Archive::Writer::run_first(std::vector<Job>& jobs) {
  for (Job& job : jobs)
    if (job.turn == Turn::kFirst && !job.result)
      job.result = safely([&] { return job.work(responses_); });
}

// Reads run in a transaction of their own, so that a failed write does not fail them. Returns false
// when other programs have locked the file and some of the jobs may still wait.
bool Archive::Writer::run_reads(std::vector<Job>& jobs, TimePoint until) {
  const auto is_due = [](const Job& job) { return job.turn != Turn::kWrite && !job.result; };
  if (std::none_of(jobs.begin(), jobs.end(), is_due)) return true;
  auto transaction = Transaction::begin(database_, Kind::kRead, kLockTimeout);
  const bool is_locked = !transaction && transaction.error().kind == ErrorKind::kBusy;
  const auto now = std::chrono::steady_clock::now();
  bool is_done = true;
  for (Job& job : jobs) {
    if (!is_due(job)) continue;
    if (transaction)
      job.result = safely([&] { return job.work(responses_); });
    else if (!is_locked)
      job.result = fail(transaction.error());
    else if (now >= std::min(job.until, until))
      job.result = fail(locked());
    else
      is_done = false;
  }
  if (transaction) (void)transaction->commit();  // it only read: a failure loses nothing
  return is_done;
}

// Reports the results that were not reported yet. A report takes a little memory, and somebody may
// wait for it, so it is tried until there is some.
void Archive::Writer::report(std::vector<Job>& jobs) {
  for (Job& waiting : jobs) {
    if (!waiting.result || std::exchange(waiting.is_reported, true)) continue;
    const Job job = std::move(waiting);  // what it holds is freed before the next report
    if (job.done) retry_on_bad_alloc([&] { job.done(*job.result); });
  }
}

void Archive::Writer::erase_withdrawn(std::vector<std::string>& ids) {
  (void)safely([&]() -> Result<void> {
    try_to_erase_withdrawn(ids);
    return {};
  });
}

void Archive::Writer::try_to_erase_withdrawn(std::vector<std::string>& ids) {
  const auto forget_absent = [&]() -> Result<void> {
    std::erase_if(ids, [this](const std::string& id) {
      const auto is_there = safely([&] { return responses_.has_hidden(id); });
      if (!is_there || *is_there) return false;
      responses_.show(id);
      return true;
    });
    return {};
  };
  if (!in_transaction(database_, Kind::kRead, forget_absent, kLockTimeout) || ids.empty()) return;
  auto transaction = Transaction::begin(database_, Kind::kWrite, kLockTimeout);
  if (!transaction) return;
  const auto count = static_cast<std::ptrdiff_t>(std::min(ids.size(), kMaxBatch));
  for (const std::string& id : std::span(ids).first(static_cast<std::size_t>(count)))
    if (!responses_.erase_hidden(id)) return;
  if (!transaction->commit()) return;
  for (const std::string& id : std::span(ids).first(static_cast<std::size_t>(count)))
    responses_.show(id);
  ids.erase(ids.begin(), ids.begin() + count);
}

}  // namespace ccproxy::store
