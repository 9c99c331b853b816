#include "store/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "store/schema.hpp"

namespace ccproxy::store {
namespace {

constexpr std::size_t kMostTogether = 256;  // pieces of work in one transaction

using Kind = Transaction::Kind;

Result<void> in_transaction(Database& database, Kind kind, FunctionRef<Result<void>()> work) {
  auto transaction = Transaction::begin(database, kind);
  if (!transaction) return fail(transaction.error());
  if (auto done = work(); !done) return done;
  return transaction->commit();
}

tl::unexpected<Error> given_up(const Result<void>& last) {
  return last ? fail(ErrorKind::kIo, "the store could not go on writing") : fail(last.error());
}

}  // namespace

// Lives on the archive's thread alone: nothing in it is locked.
class Archive::Writer {
 public:
  // The tables as they should be, and nothing in them that runs and belongs to nobody.
  static Result<std::unique_ptr<Writer>> open(const std::string& path);

  Writer(Owners owners, Database database)
      : owners_(std::move(owners)),
        database_(std::move(database)),
        responses_(database_, owners_.name()) {}

  void commit(std::span<Job> jobs) {
    while (!jobs.empty()) jobs = jobs.subspan(commit_some(jobs));
  }

  // What the next start would have to do. Whoever still reads an older state is not waited for.
  void checkpoint() { (void)database_.run("PRAGMA wal_checkpoint(PASSIVE)"); }

 private:
  Result<void> settle();
  std::size_t commit_some(std::span<Job> jobs);
  Result<void> run(const Job& job);

  Owners owners_;  // outlives the database: dead is who does not write any more
  Database database_;
  Responses responses_;
};

Result<std::unique_ptr<Archive::Writer>> Archive::Writer::open(const std::string& path) {
  auto owners = Owners::enter(path);
  if (!owners) return fail(owners.error());
  auto database = Database::open(path);
  if (!database) return fail(database.error());
  auto writer = std::make_unique<Writer>(std::move(*owners), std::move(*database));
  if (auto settled = writer->settle(); !settled)
    return fail(settled.error().kind, fmt::format("{}: {}", path, settled.error().message));
  return writer;
}

Result<void> Archive::Writer::settle() {
  if (auto migrated = migrate(database_); !migrated) return migrated;
  const auto is_gone = [this](const std::string& owner) { return owners_.is_gone(owner); };
  const auto mark = [&]() -> Result<void> {
    const auto marked = responses_.mark_interrupted(is_gone);
    if (!marked) return fail(marked.error());
    return {};
  };
  if (auto marked = in_transaction(database_, Kind::kWrite, mark); !marked) return marked;
  owners_.settle();
  return {};
}

// One transaction, and then the answers to all that was in it. Returns how many that were: fewer
// than there are when SQLite gave the transaction up in the middle, as it does on a full disk.
std::size_t Archive::Writer::commit_some(std::span<Job> jobs) {
  const bool writes =
      std::any_of(jobs.begin(), jobs.end(), [](const Job& job) { return job.writes; });
  std::vector<Result<void>> results;
  const auto work = [&]() -> Result<void> {
    for (const Job& job : jobs) {
      results.push_back(run(job));
      if (!database_.in_transaction()) return given_up(results.back());
    }
    return {};
  };
  const auto committed = in_transaction(database_, writes ? Kind::kWrite : Kind::kRead, work);
  if (results.empty()) results.resize(jobs.size());  // it has not even begun
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Job job = std::move(jobs[i]);  // what it holds goes before the next is told
    if (!job.done) continue;
    job.done(results[i] && !committed ? fail(committed.error()) : results[i]);
  }
  return results.size();
}

Result<void> Archive::Writer::run(const Job& job) {
  if (!job.writes) return job.work(responses_);
  return in_transaction(database_, Kind::kNested, [&] { return job.work(responses_); });
}

Result<std::unique_ptr<Archive>> Archive::open(const std::string& path) {
  auto writer = Writer::open(path);
  if (!writer) return fail(writer.error());
  std::unique_ptr<Archive> archive(new Archive());
  archive->thread_ = std::thread([self = archive.get(), opened = std::move(*writer)]() mutable {
    self->run(*opened);
    opened.reset();
  });
  return archive;
}

void Archive::submit(Work work, Done done) { enqueue({std::move(work), true, std::move(done)}); }

void Archive::read(Look look, Done done) {
  enqueue({[look = std::move(look)](const Responses& responses) { return look(responses); }, false,
           std::move(done)});
}

void Archive::enqueue(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_closed_) {
      waiting_.push_back(std::move(job));
      arrived_.notify_one();
      return;
    }
  }
  if (job.done) job.done(fail(ErrorKind::kClosed, "the store is closed"));
}

std::size_t Archive::queued() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + under_way_;
}

// Waits for work; none when there is none left to come.
std::vector<Archive::Job> Archive::take() {
  std::unique_lock lock(mutex_);
  under_way_ = 0;
  arrived_.wait(lock, [this] { return !waiting_.empty() || is_closed_; });
  under_way_ = std::min(waiting_.size(), kMostTogether);
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(under_way_);
  std::vector<Job> jobs(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return jobs;
}

void Archive::run(Writer& writer) {
  while (true) {
    auto jobs = take();
    if (jobs.empty()) break;
    writer.commit(jobs);
  }
  writer.checkpoint();
}

void Archive::close() {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Archive::~Archive() { close(); }

}  // namespace ccproxy::store
