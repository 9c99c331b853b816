// The store as the rest of the program sees it. Any thread may submit work; one thread of the
// archive's own does it in order, many pieces in one transaction. An exception of a piece of work
// does not end that thread. This file refuses to know what the work is for.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/function_ref.hpp"
#include "store/database.hpp"
#include "store/owners.hpp"
#include "store/responses.hpp"

namespace ccproxy::store {

class Archive {
 public:
  using Work = std::function<Result<void>(Responses&)>;
  using Query = std::function<Result<void>(const Responses&)>;
  using Callback = std::function<void(Result<void>)>;
  using TimePoint = std::chrono::steady_clock::time_point;

  // Opens or creates the database file, and marks the responses of processes that have died as
  // interrupted; other processes may have the same file open. Fails with kIo, and with
  // kConfiguration for a file of a newer CCProxy; the message names the path. When another program
  // keeps the whole file locked for a second, the archive is returned all the same and goes on
  // trying to open the file; until then work fails with kBusy, as it does when the file is locked
  // later.
  [[nodiscard]] static Result<std::unique_ptr<Archive>> open(const std::string& path);

  // False while the archive still tries to open its file.
  [[nodiscard]] bool is_open() const { return is_open_; }

  // Runs `work` on the archive's thread, after everything that was submitted before it and seeing
  // what that wrote. Then calls `done` there, which may be empty. From any thread.
  // - `done` is called after the commit, so what is reported as done survives the end of this
  //   process. After close() it is called at once, with kClosed.
  // - Work that fails is rolled back alone. `done` gets its error, or the error of the commit,
  //   after which nothing of the work is in the database.
  // - An exception of `work`, or a lack of memory in SQLite, becomes kBusy: the work was rolled
  //   back and may be submitted again.
  // - `done` throws nothing but std::bad_alloc, after which it is called again. Neither `work` nor
  //   `done` may block.
  // - `bytes` is about what the work writes; it fails with kTooLarge when the limit has no room.
  // - While another process holds the write lock, work waits for up to five seconds and then fails.
  // - One transaction takes at most 8 MiB of work. The write-ahead log is moved into the database
  //   file when it is larger than 4 MiB, or than a 32nd of a small limit.
  void submit(Work work, Callback done, std::size_t bytes = 0);

  // Limits what the file, its write-ahead log and the work that waits may take together, in bytes;
  // 0 means no limit. Before something is written, the oldest responses that do not run are erased
  // to make room for it. From any thread.
  void set_limit(std::uint64_t bytes) { limit_ = bytes; }

  // The same as submit() for work that only reads. It waits for no other process that writes, and a
  // failed write does not fail it: while another process holds the write lock, it sees the tables
  // without the work that waits to be written. While another process locks out readers, too, it
  // fails with kBusy within a second.
  void read(Query query, Callback done);

  // Withdraws the response `id` as if it had never been: nothing that is submitted after this finds
  // it, and its rows are erased as soon as the file can be written. Work that was submitted for it
  // before and is not done yet fails; no more may be submitted. From any thread.
  void withdraw(const std::string& id);

  // Marks the responses of archives that have died since this one was opened as failed. It reads
  // first, and writes only when there is something to mark. From any thread.
  void fail_orphans();

  // The number of pieces of work that are not done yet.
  [[nodiscard]] std::size_t queued() const;

  // About how many bytes the waiting work writes, without the work that has been begun.
  [[nodiscard]] std::uint64_t queued_bytes() const;

  // Does the work that was submitted, moves the write-ahead log into the database file, and returns
  // when the file is closed. Work that is not done by `until` fails with kClosed. Only for the
  // thread that owns the archive; never from `work` or `done`.
  void close(TimePoint until = TimePoint::max());

  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  Archive(Archive&&) = delete;
  Archive& operator=(Archive&&) = delete;
  ~Archive();  // closes the archive

 private:
  // kFirst goes before all work that is not done yet, and touches no table.
  enum class Turn { kFirst, kRead, kWrite };
  struct Job {
    Work work;
    Turn turn;
    Callback done;
    std::size_t bytes;
    TimePoint until;  // after this the job fails instead of waiting for other processes
    std::optional<Result<void>> result{};
    bool is_reported = false;
  };
  class Writer;

  Archive() = default;
  void enqueue(Job job);
  void start(std::string path, std::unique_ptr<Writer> writer);
  [[nodiscard]] std::unique_ptr<Writer> open_later(const std::string& path);
  [[nodiscard]] static Result<std::unique_ptr<Writer>> open_now(const std::string& path);
  void fail_overdue(bool all, const Error& why);
  void move_matching(std::vector<Job>& to, FunctionRef<bool(const Job&)> which);
  [[nodiscard]] std::optional<std::vector<Job>> take(bool waits_for_ever);
  void take_reads(std::vector<Job>& jobs);
  void run(Writer& writer);
  [[nodiscard]] bool is_late() const { return std::chrono::steady_clock::now() >= until_.load(); }

  mutable std::mutex mutex_{};  // guards the members down to is_closed_
  std::condition_variable arrived_{};
  std::deque<Job> waiting_{};
  std::size_t under_way_ = 0;  // jobs that were taken from `waiting_` and are not done yet
  std::uint64_t bytes_ = 0;    // what the jobs in `waiting_` write
  bool is_closed_ = false;
  std::atomic<bool> is_open_ = false;
  std::atomic<std::uint64_t> limit_ = 0;
  std::atomic<TimePoint> until_ = TimePoint::max();
  std::vector<std::string> withdrawn_{};  // ids to erase; only for the archive's thread
  const Owners* owners_ = nullptr;        // of the writer; only for the archive's thread
  std::thread thread_{};
};

}  // namespace ccproxy::store
