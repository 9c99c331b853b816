// One thread's event loop with its deadlines. A worker has one; nothing in it is shared with
// another thread but post() and stop(). It refuses to know what runs in it.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "net/task.hpp"

namespace ccproxy::net {

class Deadline;
class Event;

class Runtime {
 public:
  Runtime();
  // Frees what still waits, coroutine by coroutine, without resuming any of them. Whatever their
  // frames refer to must still be there.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  Runtime(Runtime&&) = delete;
  Runtime& operator=(Runtime&&) = delete;

  // Runs until stop() is called or nothing is left to wait for. A deadline that was disarmed is
  // nothing to wait for once no spawned task runs.
  void run();
  void stop();  // from any thread

  // Starts `task` beside what runs; its frame is freed when it ends. Failures travel as Result: an
  // exception that leaves it, or other work of this loop, ends the program, unless survive() was
  // called.
  void spawn(Task<void> task);

  // From now on such an exception (there may be no memory left) ends only what threw it, and
  // `on_escape` is told what it says. It must not throw.
  void survive(std::function<void(std::string_view what)> on_escape);

  // From now on each turn of the loop is measured, and `on_long` is told of those that have taken
  // more than `most` of the thread's own time. That costs a system call a turn: it is for whoever
  // looks for what holds others up. Call it before run().
  void watch_turns(Clock::duration most, std::function<void(Clock::duration)> on_long);

  // Runs `work` in this loop; from any thread.
  void post(std::function<void()> work);

  [[nodiscard]] boost::asio::io_context& context() { return context_; }

 private:
  friend class Deadline;
  friend class Event;
  void wake_by(Clock::time_point when);
  void on_wake();
  void forget_wake();
  void escaped(const std::exception_ptr& exception);
  void run_measured();
  void forget_idle_wake();

  // Lets the destructor end what still waits while everything it may use is there.
  class Context : public boost::asio::io_context {
   public:
    using io_context::io_context;
    void end_all() { shutdown(); }
  };

  Context context_;
  std::function<void(std::string_view what)> on_escape_;  // when it survives
  Clock::duration most_turn_{};
  std::function<void(Clock::duration)> on_long_turn_;  // when turns are watched
  // One timer serves every deadline: it is set again only when a deadline comes before the next
  // wake-up, so that moving a deadline on (the usual case) costs no system call.
  struct Timer;
  std::unique_ptr<Timer> timer_;
  Clock::time_point next_wake_ = Clock::time_point::max();
  std::size_t tasks_ = 0;  // spawned and not ended
  std::vector<Deadline*> deadlines_;
  Deadline* calling_ = nullptr;  // the one whose callback runs, while it exists
  std::vector<Event*> waiting_;  // events that somebody waits for
};

// Calls back once when its time has come, unless it was moved or disarmed before. The callback may
// set it again, and may destroy this deadline and others.
class Deadline {
 public:
  Deadline(Runtime& runtime, std::function<void()> on_expire);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  Deadline(Deadline&&) = delete;
  Deadline& operator=(Deadline&&) = delete;

  void expires_after(Clock::duration duration);
  void disarm();

 private:
  friend class Runtime;
  Runtime& runtime_;
  std::function<void()> on_expire_;
  Clock::time_point when_ = Clock::time_point::max();
  std::size_t place_ = 0;  // in runtime_.deadlines_
};

// One coroutine waits, another (of the same runtime) wakes it. A notify() that comes first is
// remembered, once. Destroying it frees a coroutine that waits, without resuming it.
class Event {
 public:
  explicit Event(Runtime& runtime);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  Event(Event&&) = delete;
  Event& operator=(Event&&) = delete;

  void notify();
  [[nodiscard]] Task<void> wait();  // at most one waiter at a time

 private:
  friend class Runtime;
  struct Waiter;
  void forget_waiter();  // frees its coroutine

  Runtime& runtime_;
  std::unique_ptr<Waiter> waiter_;
  std::size_t place_ = 0;  // in runtime_.waiting_, while somebody waits
  bool notified_ = false;
};

[[nodiscard]] Task<void> sleep(Runtime& runtime, Clock::duration duration);

}  // namespace ccproxy::net
