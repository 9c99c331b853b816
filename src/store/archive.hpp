// The store as the rest of the program sees it: work is handed over from any thread and done in
// order by one thread of its own, many pieces in one transaction. Nothing that the work throws ends
// that thread. It refuses to know what the work is for.
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
  using Look = std::function<Result<void>(const Responses&)>;
  using Done = std::function<void(Result<void>)>;
  using TimePoint = std::chrono::steady_clock::time_point;

  // Opens or makes the database file, and marks as interrupted what was running in processes that
  // are gone; the same file may be open in others that live. Fails with kIo, and with
  // kConfiguration for a file of a newer CCProxy; the message names the path. Where another program
  // has locked all of the file for a second, the archive goes on trying: until then what is handed
  // over fails with kBusy, as it does when the file is locked later.
  [[nodiscard]] static Result<std::unique_ptr<Archive>> open(const std::string& path);

  // False as long as it tries.
  [[nodiscard]] bool is_open() const { return is_open_; }

  // Does `work` on the archive's thread, after everything that was handed over before it and seeing
  // what that wrote; then calls `done` there (it may be empty), after the commit, so what is told
  // as done survives the end of this process. Work that fails is undone, alone. Its error goes to
  // `done`, or the error of the commit, after which nothing of it is there. What `work` throws, or
  // SQLite where there is no memory, is kBusy: it was undone, and may be tried again. `done` throws
  // nothing but std::bad_alloc, after which it is called again; neither may block. From any thread.
  // After close() `done` is called at once, with kClosed. `bytes` is about what it writes; with
  // kTooLarge fails what has no room within the limit. While another process keeps this one from
  // writing, it is tried for five seconds and then fails. A transaction takes 8 MiB of work at
  // most; a log beyond 4 MiB, or a 32nd of a small limit, is put into the file.
  void submit(Work work, Done done, std::size_t bytes = 0);

  // What the file, its log and what waits to be written may take together. Before something is
  // written, the oldest responses that do not run make room for it. 0: no limit. From any thread.
  void set_limit(std::uint64_t bytes) { limit_ = bytes; }

  // The same for what only reads, which waits for no other process that writes and fails with no
  // write: while another one keeps this one from writing, it sees the tables without what waits to
  // be written. Where another one locks the file against reading, too, it fails with kBusy within a
  // second.
  void read(Look look, Done done);

  // The response of that id is as if it had never been: nothing that is handed over after this
  // finds it, and what stands of it goes as soon as the file can be written. What was handed over
  // for it before fails, as far as it is not done; no more may follow. From any thread.
  void withdraw(const std::string& id);

  // What runs in archives that have died since this one was opened has failed. Looks, and writes
  // only when there is something to write. From any thread.
  void fail_orphans();

  // Pieces of work that are not done yet.
  [[nodiscard]] std::size_t queued() const;

  // What they write, those under way left out.
  [[nodiscard]] std::uint64_t queued_bytes() const;

  // Does what was handed over, moves it into the database file, and returns when the file is
  // closed. What is not done by `until` fails with kClosed. From the thread that owns the archive;
  // never from `work` or `done`.
  void close(TimePoint until = TimePoint::max());

  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  Archive(Archive&&) = delete;
  Archive& operator=(Archive&&) = delete;
  ~Archive();  // closes

 private:
  // kFirst goes before all that is not done yet, and touches no table.
  enum class Turn { kFirst, kRead, kWrite };
  struct Job {
    Work work;
    Turn turn;
    Done done;
    std::size_t bytes;
    TimePoint until;  // waits no longer for others
    std::optional<Result<void>> result{};
    bool is_told = false;
  };
  class Writer;

  Archive() = default;
  void enqueue(Job job);
  void start(std::string path, std::unique_ptr<Writer> writer);
  [[nodiscard]] std::unique_ptr<Writer> open_later(const std::string& path);
  [[nodiscard]] static Result<std::unique_ptr<Writer>> open_now(const std::string& path);
  void refuse_overdue(bool all, const Error& why);
  void move_some(std::vector<Job>& to, FunctionRef<bool(const Job&)> which);
  [[nodiscard]] std::optional<std::vector<Job>> take(bool waits_for_ever);
  void take_reads(std::vector<Job>& jobs);
  void run(Writer& writer);
  [[nodiscard]] bool is_late() const { return std::chrono::steady_clock::now() >= until_.load(); }

  mutable std::mutex mutex_{};  // guards what follows
  std::condition_variable arrived_{};
  std::deque<Job> waiting_{};
  std::size_t under_way_ = 0;  // taken from there, not done yet
  std::uint64_t bytes_ = 0;    // of what waits
  bool is_closed_ = false;
  std::atomic<bool> is_open_ = false;
  std::atomic<std::uint64_t> limit_ = 0;
  std::atomic<TimePoint> until_ = TimePoint::max();
  std::vector<std::string> withdrawn_{};  // to be taken out; of the archive's thread alone
  const Owners* owners_ = nullptr;        // the writer's; likewise
  std::thread thread_{};
};

}  // namespace ccproxy::store
