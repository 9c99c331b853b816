// What the archive's thread does with the work that was handed over: in transactions, within the
// limit of the disk, beside other processes. It refuses to know how work comes to it.
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

// How long another process may keep this one from writing, and how long a try waits for it.
inline constexpr std::chrono::seconds kLongestTurn{5};
inline constexpr std::chrono::milliseconds kReadsWait{20};
inline constexpr std::size_t kMaxTogether = 256;  // pieces of work in one transaction

// Of another program.
[[nodiscard]] Error locked();

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

  // Does all of it, and then tells the answers in the order of the jobs. `more_reads` is asked to
  // add the reads that came meanwhile, when the turn to write does not come. Throws nothing: what
  // is thrown on the way is the result of what was to be done.
  using MoreReads = FunctionRef<void(std::vector<Job>&)>;
  void run(std::vector<Job>& jobs, const Bounds& bounds, MoreReads more_reads);

  // Tells all of them that are not done that it was not done.
  static void refuse(std::vector<Job>& jobs, const Error& why);

  // Takes those out that stand in the tables. What is left in `ids` is to be tried again.
  void take_out(std::vector<std::string>& ids);

  [[nodiscard]] const Owners& owners() const { return owners_; }

  // What the next start would have to do. Whoever still reads an older state is not waited for.
  void checkpoint() {
    (void)safely([this] { return database_.run("PRAGMA wal_checkpoint(PASSIVE)"); });
  }

 private:
  void do_all(std::vector<Job>& jobs, const Bounds& bounds, MoreReads more_reads);
  Result<void> settle(std::chrono::milliseconds wait);
  Result<Transaction> turn_to_write(std::vector<Job>& jobs, const Bounds& bounds,
                                    MoreReads more_reads);
  std::size_t write_some(std::span<Job*> jobs, const Bounds& bounds,
                         Result<Transaction> transaction);
  std::size_t try_to_write(std::span<Job*> jobs, const Bounds& bounds,
                           Result<Transaction> transaction);
  Result<bool> make_room(std::span<Job*> jobs, const Bounds& bounds);
  void keep_log_small(std::uint64_t limit);
  void do_first(std::vector<Job>& jobs);
  bool read_now(std::vector<Job>& jobs, TimePoint until);
  void try_to_take_out(std::vector<std::string>& ids);
  void read_late(const Bounds& bounds, MoreReads more_reads);
  static void tell(std::vector<Job>& jobs);

  std::string log_;  // of the database: its file
  Owners owners_;    // outlives the database: dead is who does not write any more
  Database database_;
  Responses responses_;
  std::vector<Job> late_{};  // reads that came while others had the file, and wait for them
};

}  // namespace ccproxy::store
