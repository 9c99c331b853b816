// A pool of threads for work that would block an event loop too long, with a bounded queue. It
// refuses to know what the work is for.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/function_ref.hpp"
#include "net/cancellation.hpp"
#include "net/runtime.hpp"
#include "net/task.hpp"

namespace ccproxy::net {

class WorkPool {
 public:
  // Must stay valid until the work is done, as must everything to which it refers.
  using Work = FunctionRef<void()>;

  // `max_waiting` is how many jobs of run() may wait for a thread.
  WorkPool(std::size_t threads, std::size_t max_waiting);
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;
  WorkPool(WorkPool&&) = delete;
  WorkPool& operator=(WorkPool&&) = delete;
  ~WorkPool();  // closes

  // Runs `work` on one of the threads and resumes the caller in `runtime`, from whose thread it
  // must be called; an exception of the work is thrown there. Fails with kBusy when too many jobs
  // wait, and with kClosed when it is cancelled before the work has begun, which then never runs.
  // Work that has begun cannot be cancelled.
  [[nodiscard]] Task<Result<void>> run(Runtime& runtime, Work work, Cancellation& cancellation);

  // The same for work that continues an earlier job: it is never refused, and goes before the jobs
  // of run().
  [[nodiscard]] Task<void> run_continuation(Runtime& runtime, Work work);

  // Frees an object with so many parts that it takes long. Goes before all jobs. May be called from
  // any thread.
  void dispose(std::shared_ptr<const void> object) noexcept;

  // Waits for the jobs that run; jobs that wait are dropped, and their callers are not resumed.
  // Call it when no event loop runs any more, and before the loops are destroyed. Objects that are
  // passed to dispose() afterwards are freed by the calling thread.
  void close();

 private:
  struct Job;
  using Jobs = std::deque<std::shared_ptr<Job>>;

  [[nodiscard]] bool enqueue(Jobs& jobs, std::shared_ptr<Job> job, std::size_t max_jobs);
  [[nodiscard]] bool withdraw(const Job* job);
  void run_jobs();
  [[nodiscard]] bool has_work() const;
  static void execute(Job& job);

  std::size_t max_waiting_;
  std::mutex mutex_;  // guards the members below
  std::condition_variable arrived_;
  Jobs continued_, waiting_;
  std::vector<std::shared_ptr<const void>> to_free_;
  bool is_closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ccproxy::net
