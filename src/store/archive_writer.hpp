// What the archive's thread does with submitted work: it runs it in transactions, within the limit
// of the disk, beside other processes. It refuses to know how work reaches it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/function_ref.hpp"
#include "store/archive.hpp"
#include "store/safely.hpp"

namespace ccproxy::store {

// How long work waits for the write lock of another process, and how long one try waits for a lock.
inline constexpr std::chrono::seconds kWriteTimeout{5};
inline constexpr std::chrono::milliseconds kLockTimeout{20};
inline constexpr std::size_t kMaxBatch = 256;  // pieces of work in one transaction

// The error for a file that another program keeps locked.
[[nodiscard]] Error locked();

// Used by the archive's thread alone, so nothing in it is locked.
class Archive::Writer {
 public:
  struct Bounds {
    std::uint64_t limit;                  // bytes on disk; 0: none
    std::uint64_t queued;                 // bytes that the jobs behind these write
    const std::atomic<TimePoint>& until;  // after this no job waits for the write lock
  };

  // Brings the tables up to date and marks the running responses of dead owners as interrupted.
  static Result<std::unique_ptr<Writer>> open(const std::string& path,
                                              std::chrono::milliseconds wait);

  Writer(std::string path, Owners owners, Database database)
      : log_(std::move(path) + "-wal"),
        owners_(std::move(owners)),
        database_(std::move(database)),
        responses_(database_, owners_.name()) {}

  // Runs all jobs, and then reports their results in their order. While the write lock is not to be
  // had, `more_reads` is called to add the reads that were submitted meanwhile. Throws nothing: an
  // exception becomes the result of the job.
  using MoreReads = FunctionRef<void(std::vector<Job>&)>;
  void run(std::vector<Job>& jobs, const Bounds& bounds, MoreReads more_reads);

  // Reports `why` for every job that has no result yet.
  static void fail_all(std::vector<Job>& jobs, const Error& why);

  // Erases the rows of withdrawn responses. The ids left in `ids` are to be tried again.
  void erase_withdrawn(std::vector<std::string>& ids);

  [[nodiscard]] const Owners& owners() const { return owners_; }

  // Moves the write-ahead log into the file, which the next start would have to do. It does not
  // wait for other processes that still read an older state.
  void checkpoint() {
    (void)safely([this] { return database_.run("PRAGMA wal_checkpoint(PASSIVE)"); });
  }

 private:
  void run_all(std::vector<Job>& jobs, const Bounds& bounds, MoreReads more_reads);
  Result<void> settle(std::chrono::milliseconds wait);
  Result<Transaction> wait_for_write_lock(std::vector<Job>& jobs, const Bounds& bounds,
                                          MoreReads more_reads);
  std::size_t write_batch(std::span<Job*> jobs, const Bounds& bounds,
                          Result<Transaction> transaction);
  std::size_t try_to_write_batch(std::span<Job*> jobs, const Bounds& bounds,
                                 Result<Transaction> transaction);
  Result<bool> make_room(std::span<Job*> jobs, const Bounds& bounds);
  void truncate_log(std::uint64_t limit);
  void run_first(std::vector<Job>& jobs);
  bool run_reads(std::vector<Job>& jobs, TimePoint until);
  void try_to_erase_withdrawn(std::vector<std::string>& ids);
  void run_late_reads(const Bounds& bounds, MoreReads more_reads);
  static void report(std::vector<Job>& jobs);

  std::string log_;  // path of the database's write-ahead log
  Owners owners_;    // destroyed after the database: an owner that is dead writes no more
  Database database_;
  Responses responses_;
  std::vector<Job> late_reads_{};  // reads that came while others had the file locked
};

}  // namespace ccproxy::store
