// Threads for work that would hold an event loop too long: a few of them, and a queue with a bound.
// It refuses to know what the work is for.
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
  // Stays until the work is done, as does all that it refers to.
  using Work = FunctionRef<void()>;

  // `most_waiting` is how much of run() may wait beside what is under way.
  WorkPool(std::size_t threads, std::size_t most_waiting);
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;
  WorkPool(WorkPool&&) = delete;
  WorkPool& operator=(WorkPool&&) = delete;
  ~WorkPool();  // closes

  // Does `work` on one of the threads, and goes on in `runtime`, from whose thread it is called;
  // what the work throws is thrown there. Fails with kBusy when too much waits, and with kClosed
  // when `cancellation` ended the wait: then it was not begun, and never will be. Once it was
  // begun, nothing ends the wait.
  [[nodiscard]] Task<Result<void>> run(Runtime& runtime, Work work, Cancellation& cancellation);

  // The same for more of what was begun before: it is never refused, and goes before what run()
  // brings.
  [[nodiscard]] Task<void> go_on(Runtime& runtime, Work work);

  // Frees what has so many parts that this takes long, before all else. From any thread.
  void dispose(std::shared_ptr<const void> what) noexcept;

  // Waits for what is under way; what still waits is not done, and nobody is woken. Call it when no
  // loop runs any more, and before what waits in them is freed. What is given to dispose() later is
  // freed by whoever gives it.
  void close();

 private:
  struct Job;
  using Jobs = std::deque<std::shared_ptr<Job>>;

  [[nodiscard]] bool enqueue(Jobs& jobs, std::shared_ptr<Job> job, std::size_t most);
  [[nodiscard]] bool withdraw(const Job* job);
  void serve();
  [[nodiscard]] bool has_something() const;
  static void work_on(Job& job);

  std::size_t most_waiting_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  Jobs begun_, waiting_;
  std::vector<std::shared_ptr<const void>> to_free_;
  bool is_closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ccproxy::net
