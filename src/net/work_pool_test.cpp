#include "net/work_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace ccproxy::net {
namespace {

// Blocks the work that waits at it, on any thread, until it is opened.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    is_reached_ = true;
    reached_.notify_all();
    opened_.wait(lock, [this] { return is_open_; });
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    reached_.wait(lock, [this] { return is_reached_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_, reached_;
  bool is_open_ = false, is_reached_ = false;
};

// How a job has ended; empty while it has not.
struct Outcome {
  std::optional<Result<void>> result{};
  std::string thrown{};

  [[nodiscard]] bool is_known() const { return result || !thrown.empty(); }
  [[nodiscard]] std::optional<ErrorKind> refused_as() const {
    return result && !*result ? std::optional(result->error().kind) : std::nullopt;
  }
};

Task<void> run(WorkPool& pool, Runtime& runtime, std::function<void()> work,
               Cancellation& cancellation, Outcome& outcome) {
  try {
    auto done = co_await pool.run(runtime, work, cancellation);
    outcome.result = std::move(done);
  } catch (const std::runtime_error& error) {
    outcome.thrown = error.what();
  }
}

Task<void> run_continuation(WorkPool& pool, Runtime& runtime, std::function<void()> work,
                            Outcome& outcome) {
  co_await pool.run_continuation(runtime, work);
  outcome.result = Result<void>();
}

class WorkPoolTest : public testing::Test {
 protected:
  void start(WorkPool& pool, std::function<void()> work, Outcome& outcome) {
    runtime_->spawn(run(pool, *runtime_, std::move(work), cancellation_, outcome));
    poll();
  }
  void poll() {
    runtime_->context().restart();
    runtime_->context().poll();
  }
  void run_until(const Outcome& outcome) {
    runtime_->context().restart();
    const auto keeps_running = boost::asio::make_work_guard(runtime_->context());
    while (!outcome.is_known()) runtime_->context().run_one();
  }

  std::unique_ptr<Runtime> runtime_ = std::make_unique<Runtime>();
  Cancellation cancellation_;
  Gate gate_;
};

TEST_F(WorkPoolTest, runs_work_on_another_thread_and_resumes_in_the_loop) {
  WorkPool pool(2, 8);
  std::thread::id worked = std::this_thread::get_id();
  Outcome outcome;
  start(
      pool, [&worked] { worked = std::this_thread::get_id(); }, outcome);
  run_until(outcome);
  EXPECT_TRUE(*outcome.result);
  EXPECT_NE(worked, std::this_thread::get_id());
}

TEST_F(WorkPoolTest, does_not_block_the_loop_meanwhile) {
  WorkPool pool(1, 8);
  Outcome outcome;
  start(
      pool, [this] { gate_.wait(); }, outcome);
  gate_.wait_until_reached();
  bool was_served = false;
  runtime_->post([&was_served] { was_served = true; });
  poll();
  EXPECT_TRUE(was_served);
  EXPECT_FALSE(outcome.is_known());
  gate_.open();
  run_until(outcome);
  EXPECT_TRUE(*outcome.result);
}

TEST_F(WorkPoolTest, refuses_jobs_beyond_its_limit) {
  WorkPool pool(1, 1);
  Outcome first, second, third;
  start(
      pool, [this] { gate_.wait(); }, first);
  gate_.wait_until_reached();  // it runs: nothing waits
  start(
      pool, [] {}, second);
  start(
      pool, [] { ADD_FAILURE(); }, third);
  EXPECT_EQ(third.refused_as(), ErrorKind::kBusy);
  EXPECT_FALSE(first.is_known() || second.is_known());
  gate_.open();
  run_until(second);
  EXPECT_TRUE(*first.result);
  EXPECT_TRUE(*second.result);
}

TEST_F(WorkPoolTest, continues_earlier_jobs_before_it_begins_new_ones) {
  WorkPool pool(1, 1);
  Outcome first, fresh;
  std::vector<Outcome> begun(3);
  std::vector<std::string> order;  // written by the pool's only thread
  start(
      pool, [this] { gate_.wait(); }, first);
  gate_.wait_until_reached();
  start(
      pool, [&order] { order.emplace_back("fresh"); }, fresh);
  for (Outcome& outcome : begun) {
    runtime_->spawn(run_continuation(
        pool, *runtime_, [&order] { order.emplace_back("begun"); }, outcome));
    poll();
  }
  gate_.open();
  run_until(fresh);
  EXPECT_EQ(order, (std::vector<std::string>{"begun", "begun", "begun", "fresh"}));
  EXPECT_TRUE(begun.back().is_known()) << "such work is never refused";
}

TEST_F(WorkPoolTest, passes_an_exception_of_the_work_to_the_caller) {
  WorkPool pool(1, 1);
  Outcome outcome;
  start(
      pool, [] { throw std::runtime_error("no memory"); }, outcome);
  run_until(outcome);
  EXPECT_EQ(outcome.thrown, "no memory");
}

TEST_F(WorkPoolTest, does_not_run_a_job_that_is_cancelled_while_it_waits) {
  WorkPool pool(1, 1);
  Outcome first, second, third;
  start(
      pool, [this] { gate_.wait(); }, first);
  gate_.wait_until_reached();
  Cancellation client_left;
  runtime_->spawn(run(
      pool, *runtime_, [] { ADD_FAILURE(); }, client_left, second));
  poll();
  client_left.cancel();
  poll();
  EXPECT_EQ(second.refused_as(), ErrorKind::kClosed) << "it does not wait for the job before it";
  start(
      pool, [] {}, third);
  EXPECT_FALSE(third.is_known()) << "its place in the queue is free";
  gate_.open();
  run_until(third);
  EXPECT_TRUE(*third.result);
}

TEST_F(WorkPoolTest, does_not_run_a_job_that_was_cancelled_before) {
  WorkPool pool(1, 1);
  Outcome first, second;
  start(
      pool, [this] { gate_.wait(); }, first);
  gate_.wait_until_reached();
  Cancellation client_left;
  client_left.cancel();
  runtime_->spawn(run(
      pool, *runtime_, [] { ADD_FAILURE(); }, client_left, second));
  poll();
  EXPECT_EQ(second.refused_as(), ErrorKind::kClosed);
  gate_.open();
  run_until(first);
}

// The work refers to objects in the caller's frame.
TEST_F(WorkPoolTest, cancellation_waits_for_a_job_that_has_begun) {
  WorkPool pool(1, 1);
  Outcome outcome;
  start(
      pool, [this] { gate_.wait(); }, outcome);
  gate_.wait_until_reached();
  cancellation_.cancel();
  poll();
  EXPECT_FALSE(outcome.is_known());
  gate_.open();
  run_until(outcome);
  EXPECT_TRUE(*outcome.result);
}

// Records the thread on which it is freed.
class Freed {
 public:
  explicit Freed(std::atomic<std::thread::id>& where) : where_(&where) {}
  Freed(const Freed&) = delete;
  Freed& operator=(const Freed&) = delete;
  Freed(Freed&&) = delete;
  Freed& operator=(Freed&&) = delete;
  ~Freed() { *where_ = std::this_thread::get_id(); }

 private:
  std::atomic<std::thread::id>* where_;
};

TEST_F(WorkPoolTest, frees_objects_on_its_own_thread) {
  std::atomic<std::thread::id> where;
  {
    WorkPool pool(1, 0);
    pool.dispose(std::make_shared<const Freed>(where));
    while (where.load() == std::thread::id()) std::this_thread::yield();
    EXPECT_NE(where.load(), std::this_thread::get_id());
    pool.close();
    pool.dispose(std::make_shared<const Freed>(where));
    EXPECT_EQ(where.load(), std::this_thread::get_id()) << "the pool has no thread any more";
  }
}

// The loop is stopped: coroutines that wait in it are freed after the work no longer uses them.
TEST_F(WorkPoolTest, close_waits_for_the_running_job_and_drops_the_others) {
  std::atomic<int> done = 0;
  WorkPool pool(1, 4);
  Outcome first, second;
  start(
      pool,
      [&] {
        gate_.wait();
        ++done;
      },
      first);
  gate_.wait_until_reached();
  start(
      pool, [&] { ++done; }, second);
  std::thread closing([&pool] { pool.close(); });
  gate_.open();
  closing.join();
  EXPECT_GE(done, 1);
  runtime_.reset();
  EXPECT_FALSE(first.is_known() || second.is_known()) << "no caller is resumed";
}

TEST_F(WorkPoolTest, refuses_all_jobs_after_close) {
  WorkPool pool(1, 1);
  pool.close();
  Outcome outcome;
  start(
      pool, [] { ADD_FAILURE(); }, outcome);
  EXPECT_EQ(outcome.refused_as(), ErrorKind::kBusy);
}

}  // namespace
}  // namespace ccproxy::net
