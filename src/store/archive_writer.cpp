#include "store/archive_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <system_error>

#include "store/schema.hpp"

namespace ccproxy::store {
namespace {

constexpr std::uint64_t kMaxLog = std::uint64_t{4} << 20;  // what the log may keep of the disk
constexpr std::uint64_t kLogPart = 32;                     // of a small limit

using Kind = Transaction::Kind;

Result<void> in_transaction(Database& database, Kind kind, FunctionRef<Result<void>()> work,
                            std::chrono::milliseconds wait = kDefaultWait) {
  auto transaction = Transaction::begin(database, kind, wait);
  if (!transaction) return fail(transaction.error());
  if (auto done = work(); !done) return done;
  return transaction->commit();
}

// What the log may keep of it.
std::uint64_t log_part(std::uint64_t limit) {
  return limit == 0 ? kMaxLog : std::min(kMaxLog, limit / kLogPart);
}

tl::unexpected<Error> given_up(const Result<void>& last) {
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
  const auto is_gone = [this](const std::string& owner) { return owners_.is_gone(owner); };
  const auto mark = [&]() -> Result<void> {
    const auto marked = responses_.mark_interrupted(is_gone);
    if (!marked) return fail(marked.error());
    return {};
  };
  if (auto marked = in_transaction(database_, Kind::kWrite, mark, wait); !marked) return marked;
  owners_.settle();
  return {};
}

void Archive::Writer::run(std::vector<Job>& jobs, const Bounds& bounds, MoreReads more_reads) {
  const auto did = safely([&]() -> Result<void> {
    do_all(jobs, bounds, more_reads);
    return {};
  });
  if (!did) refuse(jobs, did.error());
  if (!did) refuse(late_, did.error());
  late_.clear();
}

void Archive::Writer::do_all(std::vector<Job>& jobs, const Bounds& bounds, MoreReads more_reads) {
  std::vector<Job*> writes;
  for (Job& job : jobs)
    if (job.turn == Turn::kWrite) writes.push_back(&job);
  do_first(jobs);
  for (std::span<Job*> left(writes); !left.empty();)
    left = left.subspan(write_some(left, bounds, turn_to_write(jobs, bounds, more_reads)));
  for (std::vector<Job>* reads : {&jobs, &late_}) {
    while (!read_now(*reads, bounds.until)) tell(*reads);
    tell(*reads);
  }
  if (!writes.empty()) keep_log_small(bounds.limit);  // nobody waits for it
}

void Archive::Writer::refuse(std::vector<Job>& jobs, const Error& why) {
  for (Job& job : jobs)
    insist([&] {
      if (!job.result) job.result = fail(why);
    });
  tell(jobs);
}

// What is written stands in the log and then in the file, and both count.
void Archive::Writer::keep_log_small(std::uint64_t limit) {
  std::error_code error;
  const auto size = std::filesystem::file_size(log_, error);
  if (error || size <= log_part(limit)) return;
  database_.wait_for_others(kReadsWait);
  (void)safely([this] { return database_.run("PRAGMA wal_checkpoint(TRUNCATE)"); });
  database_.wait_for_others(kDefaultWait);
}

// In the transaction in which they are written. False when there is none for them.
Result<bool> Archive::Writer::make_room(std::span<Job*> jobs, const Bounds& bounds) {
  std::uint64_t bytes = 0;
  for (const Job* job : jobs) bytes += job->bytes;
  if (bounds.limit == 0 || bytes == 0) return true;
  const std::uint64_t taken = bounds.queued + log_part(bounds.limit);
  auto has_room = responses_.make_room(bytes, bounds.limit - std::min(bounds.limit, taken));
  // What waits is judged when its turn comes.
  if (has_room && !*has_room && bounds.queued > 0)
    has_room = responses_.make_room(bytes, bounds.limit - log_part(bounds.limit));
  return has_room;
}

// Others may be waiting for what they only want to read.
Result<Transaction> Archive::Writer::turn_to_write(std::vector<Job>& jobs, const Bounds& bounds,
                                                   MoreReads more_reads) {
  const auto until = std::chrono::steady_clock::now() + kLongestTurn;
  while (true) {
    auto transaction = Transaction::begin(database_, Kind::kWrite, kReadsWait);
    if (transaction || transaction.error().kind != ErrorKind::kBusy ||
        std::chrono::steady_clock::now() >= std::min(until, bounds.until.load()))
      return transaction;
    (void)read_now(jobs, bounds.until);
    tell(jobs);
    read_late(bounds, more_reads);
  }
}

void Archive::Writer::read_late(const Bounds& bounds, MoreReads more_reads) {
  more_reads(late_);
  do_first(late_);
  (void)read_now(late_, bounds.until);
  tell(late_);
  std::erase_if(late_, [](const Job& job) { return job.is_told; });
}

// Where it breaks off nothing of it was committed, and nobody is told that it was.
std::size_t Archive::Writer::write_some(std::span<Job*> jobs, const Bounds& bounds,
                                        Result<Transaction> transaction) {
  try {
    return try_to_write(jobs, bounds, std::move(transaction));
  } catch (const std::exception&) {
    for (Job* job : jobs) job->result.reset();
    throw;
  }
}

// One transaction. Returns how many have their result: fewer than there are when SQLite gave the
// transaction up in the middle, as it does on a full disk.
std::size_t Archive::Writer::try_to_write(std::span<Job*> jobs, const Bounds& bounds,
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
    committed = given_up(*job->result);
    break;
  }
  if (committed) committed = safely([&] { return transaction->commit(); });
  for (Job* job : jobs.first(count))
    if (*job->result && !committed) job->result = committed;
  return count;
}

void Archive::Writer::do_first(std::vector<Job>& jobs) {
  for (Job& job : jobs)
    if (job.turn == Turn::kFirst && !job.result)
      job.result = safely([&] { return job.work(responses_); });
}

// A transaction of their own: what becomes of the writes is not theirs. False when others have the
// file, for those that may wait.
bool Archive::Writer::read_now(std::vector<Job>& jobs, TimePoint until) {
  const auto is_due = [](const Job& job) { return job.turn != Turn::kWrite && !job.result; };
  if (std::none_of(jobs.begin(), jobs.end(), is_due)) return true;
  auto transaction = Transaction::begin(database_, Kind::kRead, kReadsWait);
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
  if (transaction) (void)transaction->commit();  // there is nothing in it that could be lost
  return is_done;
}

// Those that have their result and were not told it. Whoever waits is told in any case: to hand the
// news over takes a little memory.
void Archive::Writer::tell(std::vector<Job>& jobs) {
  for (Job& waiting : jobs) {
    if (!waiting.result || std::exchange(waiting.is_told, true)) continue;
    const Job job = std::move(waiting);  // what it holds goes before the next is told
    if (job.done) insist([&] { job.done(*job.result); });
  }
}

void Archive::Writer::take_out(std::vector<std::string>& ids) {
  (void)safely([&]() -> Result<void> {
    try_to_take_out(ids);
    return {};
  });
}

void Archive::Writer::try_to_take_out(std::vector<std::string>& ids) {
  const auto forget_absent = [&]() -> Result<void> {
    std::erase_if(ids, [this](const std::string& id) {
      const auto is_there = safely([&] { return responses_.has_hidden(id); });
      if (!is_there || *is_there) return false;
      responses_.show(id);
      return true;
    });
    return {};
  };
  if (!in_transaction(database_, Kind::kRead, forget_absent, kReadsWait) || ids.empty()) return;
  auto transaction = Transaction::begin(database_, Kind::kWrite, kReadsWait);
  if (!transaction) return;
  const auto count = static_cast<std::ptrdiff_t>(std::min(ids.size(), kMaxTogether));
  for (const std::string& id : std::span(ids).first(static_cast<std::size_t>(count)))
    if (!responses_.erase_hidden(id)) return;
  if (!transaction->commit()) return;
  for (const std::string& id : std::span(ids).first(static_cast<std::size_t>(count)))
    responses_.show(id);
  ids.erase(ids.begin(), ids.begin() + count);
}

}  // namespace ccproxy::store
