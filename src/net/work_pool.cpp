#include "net/work_pool.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "base/retry_on_bad_alloc.hpp"
#include "net/thread_name.hpp"

namespace ccproxy::net {
namespace {

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

}  // namespace

// The event belongs to the caller's loop: the pool's threads hold a weak pointer, which they lock
// in that loop only.
struct WorkPool::Job {
  Work work;
  Runtime& runtime;
  std::weak_ptr<Event> done;
  std::exception_ptr thrown{};
  bool was_withdrawn = false;  // only the caller's thread uses it
};

WorkPool::WorkPool(std::size_t threads, std::size_t max_waiting) : max_waiting_(max_waiting) {
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i)
    threads_.emplace_back([this] { run_jobs(); });
}

WorkPool::~WorkPool() { close(); }

Task<Result<void>> WorkPool::run(Runtime& runtime, Work work, Cancellation& cancellation) {
  const auto done = std::make_shared<Event>(runtime);
  const std::shared_ptr<Job> job(new Job{work, runtime, done});
  if (!enqueue(waiting_, job, max_waiting_))
    co_return fail(ErrorKind::kBusy, "too much work waits");
  cancellation.arm([this, &job, &done] {
    job->was_withdrawn = withdraw(job.get());
    if (job->was_withdrawn) done->notify();
  });
  co_await done->wait();
  cancellation.disarm();
  if (job->was_withdrawn) co_return fail(ErrorKind::kClosed, "cancelled");
  if (job->thrown) std::rethrow_exception(std::exchange(job->thrown, nullptr));
  co_return Result<void>{};
}

Task<void> WorkPool::run_continuation(Runtime& runtime, Work work) {
  const auto done = std::make_shared<Event>(runtime);
  const std::shared_ptr<Job> job(new Job{work, runtime, done});
  (void)enqueue(continued_, job, kUnlimited);  // fails after close() only, when no loop runs
  co_await done->wait();
  if (job->thrown) std::rethrow_exception(std::exchange(job->thrown, nullptr));
}

void WorkPool::dispose(std::shared_ptr<const void> object) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    to_free_.push_back(std::move(object));
  } catch (const std::exception&) {
    return;  // there is no memory for the list: this thread frees the object
  }
  arrived_.notify_one();
}

bool WorkPool::enqueue(Jobs& jobs, std::shared_ptr<Job> job, std::size_t max_jobs) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_ || jobs.size() >= max_jobs) return false;
    jobs.push_back(std::move(job));
  }
  arrived_.notify_one();
  return true;
}

// Returns false when the job has begun.
bool WorkPool::withdraw(const Job* job) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(waiting_, [job](const auto& waiting) { return waiting.get() == job; }) > 0;
}

bool WorkPool::has_work() const {
  return is_closed_ || !to_free_.empty() || !continued_.empty() || !waiting_.empty();
}

void WorkPool::run_jobs() {
  name_thread("ccproxy-apart");
  while (true) {
    std::vector<std::shared_ptr<const void>> to_free;
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return has_work(); });
      if (is_closed_) return;
      to_free.swap(to_free_);
      if (to_free.empty()) {
        Jobs& first = continued_.empty() ? waiting_ : continued_;
        job = std::move(first.front());
        first.pop_front();
      }
    }
    to_free.clear();
    if (job) execute(*job);
  }
}

void WorkPool::execute(Job& job) {
  try {
    job.work();
  } catch (...) {
    job.thrown = std::current_exception();
  }
  retry_on_bad_alloc([&job] {  // otherwise the caller would wait forever
    job.runtime.post([done = job.done] {
      if (const auto waiting = done.lock()) waiting->notify();
    });
  });
}

void WorkPool::close() {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  arrived_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
  continued_.clear();
  waiting_.clear();
  to_free_.clear();
}

}  // namespace ccproxy::net
