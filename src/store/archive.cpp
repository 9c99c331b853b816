#include "store/archive.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/insist.hpp"
#include "store/archive_writer.hpp"

namespace ccproxy::store {
namespace {

constexpr std::uint64_t kMaxBytesTogether = std::uint64_t{8} << 20;
// How long another process may keep this one from reading: whoever asks has to know in a second.
constexpr std::chrono::milliseconds kLongestRead{900};
// How long the start waits for a file that is locked, and how often it is tried to be opened then.
constexpr std::chrono::seconds kLongestOpening{1};
constexpr std::chrono::milliseconds kTryToOpen{100};
// How often what was withdrawn is tried to be taken out.
constexpr std::chrono::seconds kTryAgain{1};

Error closed() { return {ErrorKind::kClosed, "the store is closed"}; }

}  // namespace

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
  Error why = surely(locked);
  while (true) {
    {
      std::unique_lock lock(mutex_);
      arrived_.wait_for(lock, kTryToOpen, [this] { return is_closed_; });
      if (is_closed_) break;
    }
    refuse_overdue(false, why);
    auto writer = safely([&] { return open_now(path); });
    if (writer) return std::move(*writer);
    insist([&] { why = writer.error(); });
  }
  refuse_overdue(true, surely(closed));
  return nullptr;
}

Result<std::unique_ptr<Archive::Writer>> Archive::open_now(const std::string& path) {
  auto writer = Writer::open(path, kReadsWait);
  if (!writer && writer.error().kind == ErrorKind::kBusy) return fail(locked());
  return writer;
}

void Archive::refuse_overdue(bool all, const Error& why) {
  const auto now = std::chrono::steady_clock::now();
  std::vector<Job> jobs;
  insist([&] {
    const std::lock_guard lock(mutex_);
    move_some(jobs, [&](const Job& job) { return all || job.until <= now; });
    for (const Job& job : jobs) bytes_ -= job.bytes;
  });
  Writer::refuse(jobs, why);
}

// Under the lock. Where there is no memory for it, they stay where they are.
void Archive::move_some(std::vector<Job>& to, FunctionRef<bool(const Job&)> which) {
  const auto count = std::count_if(waiting_.begin(), waiting_.end(), which);
  to.reserve(to.size() + static_cast<std::size_t>(count));
  const auto first = std::stable_partition(waiting_.begin(), waiting_.end(),
                                           [&](const Job& job) { return !which(job); });
  std::move(first, waiting_.end(), std::back_inserter(to));
  waiting_.erase(first, waiting_.end());
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
  std::vector<Job> jobs;
  insist([&] { jobs.reserve(kMaxTogether); });
  std::unique_lock lock(mutex_);
  under_way_ = 0;
  const auto has_come = [this] { return !waiting_.empty() || is_closed_; };
  if (waits_for_ever)
    arrived_.wait(lock, has_come);
  else
    arrived_.wait_for(lock, kTryAgain, has_come);
  if (waiting_.empty() && is_closed_) return std::nullopt;
  std::uint64_t bytes = 0;
  const std::size_t most = std::min(waiting_.size(), kMaxTogether);
  while (under_way_ < most &&
         (bytes == 0 || bytes + waiting_[under_way_].bytes <= kMaxBytesTogether))
    bytes += waiting_[under_way_++].bytes;
  bytes_ -= bytes;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(under_way_);
  std::move(waiting_.begin(), end, std::back_inserter(jobs));
  waiting_.erase(waiting_.begin(), end);
  return jobs;
}

// What waits and only reads, in its order.
void Archive::take_reads(std::vector<Job>& jobs) {
  const std::lock_guard lock(mutex_);
  move_some(jobs, [](const Job& job) { return job.turn != Turn::kWrite; });
}

void Archive::run(Writer& writer) {
  auto next_try = std::chrono::steady_clock::time_point::min();
  const auto more_reads = [this](std::vector<Job>& jobs) { take_reads(jobs); };
  while (auto jobs = take(withdrawn_.empty())) {
    if (is_late()) {
      Writer::refuse(*jobs, surely(closed));
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
