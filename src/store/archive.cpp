#include "store/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <span>
#include <system_error>
#include <utility>

#include "store/schema.hpp"

namespace ccproxy::store {
namespace {

constexpr std::size_t kMostTogether = 256;  // pieces of work in one transaction
constexpr std::uint64_t kMostBytesTogether = std::uint64_t{8} << 20;
constexpr std::uint64_t kMostLog = std::uint64_t{4} << 20;  // what the log may keep of the disk
constexpr std::uint64_t kLogPart = 32;                      // of a small limit
// How long another process may keep this one from writing, and from reading; and how long one of
// the two waits for the other meanwhile.
constexpr std::chrono::seconds kLongestTurn{5};
constexpr std::chrono::milliseconds kLongestRead{900};  // whoever asks has to know within a second
constexpr std::chrono::milliseconds kReadsWait{20};
// How long the start waits for a file that is locked, and how often it is tried to be opened then.
constexpr std::chrono::seconds kLongestOpening{1};
constexpr std::chrono::milliseconds kTryToOpen{100};
// How often what was withdrawn is tried to be taken out.
constexpr std::chrono::seconds kTryAgain{1};

using Kind = Transaction::Kind;

Result<void> in_transaction(Database& database, Kind kind, FunctionRef<Result<void>()> work,
                            std::chrono::milliseconds wait = kUsualWait) {
  auto transaction = Transaction::begin(database, kind, wait);
  if (!transaction) return fail(transaction.error());
  if (auto done = work(); !done) return done;
  return transaction->commit();
}

// What the log may keep of it.
std::uint64_t log_part(std::uint64_t limit) {
  return limit == 0 ? kMostLog : std::min(kMostLog, limit / kLogPart);
}

Error locked() {
  return {ErrorKind::kBusy, "Another program has locked the store: try again.", "", "",
          std::chrono::seconds(1)};
}

Error closed() { return {ErrorKind::kClosed, "the store is closed"}; }

tl::unexpected<Error> given_up(const Result<void>& last) {
  return last ? fail(ErrorKind::kIo, "the store could not go on writing") : fail(last.error());
}

}  // namespace

// Lives on the archive's thread alone: nothing in it is locked.
class Archive::Writer {
 public:
  struct Bounds {
    std::uint64_t limit;                  // of the disk; 0: none
    std::uint64_t queued;                 // bytes that wait behind these jobs
    const std::atomic<TimePoint>& until;  // nobody waits longer for a turn to write
  };

  // The tables as they should be, and nothing in them that runs and belongs to nobody.
  static Result<std::unique_ptr<Writer>> open(const std::string& path,
                                              std::chrono::milliseconds wait);

  Writer(std::string path, Owners owners, Database database)
      : log_(std::move(path) + "-wal"),
        owners_(std::move(owners)),
        database_(std::move(database)),
        responses_(database_, owners_.name()) {}

  // Does all of it, and then tells the answers in the order of the jobs. `more_reads` is asked for
  // reads that came meanwhile, when the turn to write does not come.
  using MoreReads = FunctionRef<std::vector<Job>()>;
  void run(std::vector<Job>& jobs, const Bounds& bounds, MoreReads more_reads);

  // Tells all of them that it is not done.
  static void refuse(std::vector<Job>& jobs, const Error& why);

  // Takes those out that stand in the tables. What is left in `ids` is to be tried again.
  void take_out(std::vector<std::string>& ids);

  [[nodiscard]] const Owners& owners() const { return owners_; }

  // What the next start would have to do. Whoever still reads an older state is not waited for.
  void checkpoint() { (void)database_.run("PRAGMA wal_checkpoint(PASSIVE)"); }

 private:
  Result<void> settle(std::chrono::milliseconds wait);
  Result<Transaction> turn_to_write(std::vector<Job>& jobs, const Bounds& bounds,
                                    MoreReads more_reads);
  std::size_t write_some(std::span<Job*> jobs, const Bounds& bounds,
                         Result<Transaction> transaction);
  Result<bool> make_room(std::span<Job*> jobs, const Bounds& bounds);
  void keep_log_small(std::uint64_t limit);
  void do_first(std::vector<Job>& jobs);
  bool read_now(std::vector<Job>& jobs, TimePoint until);
  void read_late(const Bounds& bounds, MoreReads more_reads);
  static void tell(std::vector<Job>& jobs);

  std::string log_;  // of the database: its file
  Owners owners_;    // outlives the database: dead is who does not write any more
  Database database_;
  Responses responses_;
  std::vector<Job> late_{};  // reads that came while others had the file, and wait for them
};

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
  late_.clear();
  if (!writes.empty()) keep_log_small(bounds.limit);  // nobody waits for it
}

void Archive::Writer::refuse(std::vector<Job>& jobs, const Error& why) {
  for (Job& job : jobs) job.result = fail(why);
  tell(jobs);
}

// What is written stands in the log and then in the file, and both count.
void Archive::Writer::keep_log_small(std::uint64_t limit) {
  std::error_code error;
  const auto size = std::filesystem::file_size(log_, error);
  if (error || size <= log_part(limit)) return;
  database_.wait_for_others(kReadsWait);
  (void)database_.run("PRAGMA wal_checkpoint(TRUNCATE)");
  database_.wait_for_others(kUsualWait);
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
  for (Job& job : more_reads()) late_.push_back(std::move(job));
  do_first(late_);
  (void)read_now(late_, bounds.until);
  tell(late_);
  std::erase_if(late_, [](const Job& job) { return job.is_told; });
}

// One transaction. Returns how many have their result: fewer than there are when SQLite gave the
// transaction up in the middle, as it does on a full disk.
std::size_t Archive::Writer::write_some(std::span<Job*> jobs, const Bounds& bounds,
                                        Result<Transaction> transaction) {
  std::size_t count = 0;
  Result<void> committed;
  if (!transaction) {
    committed = fail(transaction.error());
    for (Job* job : jobs) job->result = committed;
    return jobs.size();
  }
  const auto has_room = make_room(jobs, bounds);
  for (Job* job : jobs) {
    if (job->bytes > 0 && has_room && !*has_room) {
      job->result = fail(ErrorKind::kTooLarge, "the store is full (store.maxMegabytes)");
      ++count;
      continue;
    }
    job->result = in_transaction(database_, Kind::kNested, [&] { return job->work(responses_); });
    ++count;
    if (database_.in_transaction()) continue;
    committed = given_up(*job->result);
    break;
  }
  if (committed) committed = transaction->commit();
  for (Job* job : jobs.first(count))
    if (*job->result && !committed) job->result = committed;
  return count;
}

void Archive::Writer::do_first(std::vector<Job>& jobs) {
  for (Job& job : jobs)
    if (job.turn == Turn::kFirst && !job.result) job.result = job.work(responses_);
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
      job.result = job.work(responses_);
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

// Those that have their result and were not told it.
void Archive::Writer::tell(std::vector<Job>& jobs) {
  for (Job& waiting : jobs) {
    if (!waiting.result || std::exchange(waiting.is_told, true)) continue;
    const Job job = std::move(waiting);  // what it holds goes before the next is told
    if (job.done) job.done(*job.result);
  }
}

void Archive::Writer::take_out(std::vector<std::string>& ids) {
  const auto forget_absent = [&]() -> Result<void> {
    std::erase_if(ids, [this](const std::string& id) {
      const auto is_there = responses_.has_hidden(id);
      if (!is_there || *is_there) return false;
      responses_.show(id);
      return true;
    });
    return {};
  };
  if (!in_transaction(database_, Kind::kRead, forget_absent, kReadsWait) || ids.empty()) return;
  auto transaction = Transaction::begin(database_, Kind::kWrite, kReadsWait);
  if (!transaction) return;
  const auto count = static_cast<std::ptrdiff_t>(std::min(ids.size(), kMostTogether));
  for (const std::string& id : std::span(ids).first(static_cast<std::size_t>(count)))
    if (!responses_.erase_hidden(id)) return;
  if (!transaction->commit()) return;
  for (const std::string& id : std::span(ids).first(static_cast<std::size_t>(count)))
    responses_.show(id);
  ids.erase(ids.begin(), ids.begin() + count);
}

Result<std::unique_ptr<Archive>> Archive::open(const std::string& path) {
  auto writer = Writer::open(path, kLongestOpening);
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

// None when it was closed before that. Nothing waits here longer than it would for its turn.
std::unique_ptr<Archive::Writer> Archive::open_later(const std::string& path) {
  Error why = locked();
  while (true) {
    {
      std::unique_lock lock(mutex_);
      arrived_.wait_for(lock, kTryToOpen, [this] { return is_closed_; });
      if (is_closed_) break;
    }
    auto overdue = take_overdue(false);
    Writer::refuse(overdue, why);
    auto writer = Writer::open(path, kReadsWait);
    if (writer) return std::move(*writer);
    why = writer.error().kind == ErrorKind::kBusy ? locked() : writer.error();
  }
  auto rest = take_overdue(true);
  Writer::refuse(rest, closed());
  return nullptr;
}

std::vector<Archive::Job> Archive::take_overdue(bool all) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const auto first = std::stable_partition(waiting_.begin(), waiting_.end(),
                                           [&](const Job& job) { return !all && job.until > now; });
  std::vector<Job> jobs(std::make_move_iterator(first), std::make_move_iterator(waiting_.end()));
  waiting_.erase(first, waiting_.end());
  for (const Job& job : jobs) bytes_ -= job.bytes;
  return jobs;
}

void Archive::submit(Work work, Done done, std::size_t bytes) {
  enqueue({std::move(work), Turn::kWrite, std::move(done), bytes,
           std::chrono::steady_clock::now() + kLongestTurn});
}

void Archive::read(Look look, Done done) {
  enqueue({[look = std::move(look)](const Responses& responses) { return look(responses); },
           Turn::kRead, std::move(done), 0, std::chrono::steady_clock::now() + kLongestRead});
}

// Behind everything that may still be written for it. Where the file was never open, nothing was.
void Archive::withdraw(const std::string& id) {
  const auto hide = [id](Responses& responses) -> Result<void> {
    responses.hide(id);
    return {};
  };
  const auto nothing = [](Responses&) -> Result<void> { return {}; };
  const auto until = std::chrono::steady_clock::now() + kLongestTurn;
  enqueue({hide, Turn::kFirst, {}, 0, until});
  enqueue({nothing, Turn::kWrite,
           [this, id](const Result<void>& done) {
             if (!is_open_ || (!done && done.error().kind == ErrorKind::kClosed)) return;
             withdrawn_.push_back(id);
           },
           0, until});
}

void Archive::fail_orphans() {
  const auto is_gone = [this](const std::string& owner) { return owners_->is_gone(owner); };
  const auto mark = [is_gone](Responses& responses) -> Result<void> {
    const auto marked = responses.mark_interrupted(is_gone);
    if (!marked) return fail(marked.error());
    return {};
  };
  read(
      [this, is_gone, mark](const Responses& responses) -> Result<void> {
        const auto owners = responses.owners();
        if (!owners) return fail(owners.error());
        if (std::any_of(owners->begin(), owners->end(), is_gone)) submit(mark, {});
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

// Waits for work, for ever or a moment; nothing when there is none left to come.
std::optional<std::vector<Archive::Job>> Archive::take(bool waits_for_ever) {
  std::unique_lock lock(mutex_);
  under_way_ = 0;
  const auto has_come = [this] { return !waiting_.empty() || is_closed_; };
  if (waits_for_ever)
    arrived_.wait(lock, has_come);
  else
    arrived_.wait_for(lock, kTryAgain, has_come);
  if (waiting_.empty() && is_closed_) return std::nullopt;
  std::uint64_t bytes = 0;
  const std::size_t most = std::min(waiting_.size(), kMostTogether);
  while (under_way_ < most &&
         (bytes == 0 || bytes + waiting_[under_way_].bytes <= kMostBytesTogether))
    bytes += waiting_[under_way_++].bytes;
  bytes_ -= bytes;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(under_way_);
  std::vector<Job> jobs(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return jobs;
}

// What waits and only reads, in its order.
std::vector<Archive::Job> Archive::take_reads() {
  const std::lock_guard lock(mutex_);
  const auto first = std::stable_partition(waiting_.begin(), waiting_.end(),
                                           [](const Job& job) { return job.turn == Turn::kWrite; });
  std::vector<Job> jobs(std::make_move_iterator(first), std::make_move_iterator(waiting_.end()));
  waiting_.erase(first, waiting_.end());
  return jobs;
}

void Archive::run(Writer& writer) {
  auto next_try = std::chrono::steady_clock::time_point::min();
  const auto more_reads = [this] { return take_reads(); };
  while (auto jobs = take(withdrawn_.empty())) {
    if (is_late()) {
      Writer::refuse(*jobs, closed());
      continue;
    }
    writer.run(*jobs, {limit_, queued_bytes(), until_}, more_reads);
    const auto now = std::chrono::steady_clock::now();
    if (withdrawn_.empty() || now < next_try) continue;
    writer.take_out(withdrawn_);
    if (!withdrawn_.empty()) next_try = now + kTryAgain;
  }
  if (is_late()) return;
  writer.take_out(withdrawn_);
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
