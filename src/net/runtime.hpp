// The event loop of one thread, with its deadlines and events. Each worker has one. Other threads
// may call post() and stop() and nothing else. It refuses to know what runs in it.
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

class Cancellation;
class Deadline;
class Event;

class Runtime {
 public:
  Runtime();
  // Frees every coroutine that still waits, without resuming it. Everything to which their frames
  // refer must still exist.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  Runtime(Runtime&&) = delete;
  Runtime& operator=(Runtime&&) = delete;

  // Runs until stop() is called or there is nothing left to wait for. A disarmed deadline does not
  // keep it running once no spawned task runs.
  void run();

  // May be called from any thread.
  void stop();

  // Starts `task` in this loop; its frame is freed when it ends. Tasks report failures as a Result:
  // an exception that leaves a task, or other work of this loop, ends the program, unless a
  // handler is set.
  void spawn(Task<void> task);

  // From now on such an exception, as a rule a lack of memory, ends only the work that threw it,
  // and `on_exception` is called with its message. `on_exception` must not throw.
  void set_exception_handler(std::function<void(std::string_view what)> on_exception);

  // From now on `on_long_turn` is called after each turn of the loop that has used more than
  // `limit` of the thread's processor time. It costs a system call for each turn, so it is for
  // debugging. Call it before run().
  void watch_turns(Clock::duration limit, std::function<void(Clock::duration)> on_long_turn);

  // Runs `work` in this loop. May be called from any thread.
  void post(std::function<void()> work);

  [[nodiscard]] boost::asio::io_context& context() { return context_; }

 private:
  friend class Deadline;
  friend class Event;
  void wake_by(Clock::time_point when);
  void on_wake();
  void forget_wake();
  void report_exception(const std::exception_ptr& exception);
  void run_measured();
  void forget_idle_wake();

  // Lets the destructor free the pending operations while the other members still exist.
  class Context : public boost::asio::io_context {
   public:
    using io_context::io_context;
    void end_all() { shutdown(); }
  };

  Context context_;
  std::function<void(std::string_view what)> on_exception_;  // empty when there is no handler
  Clock::duration turn_limit_{};
  std::function<void(Clock::duration)> on_long_turn_;  // empty when turns are not watched
  // One timer serves all deadlines. It is set again only when a deadline comes before its next
  // expiry, so that moving a deadline to a later time, the usual case, costs no system call.
  struct Timer;
  std::unique_ptr<Timer> timer_;
  Clock::time_point next_wake_ = Clock::time_point::max();
  std::size_t tasks_ = 0;  // spawned tasks that have not ended
  std::vector<Deadline*> deadlines_;
  Deadline* calling_ = nullptr;  // the deadline whose callback runs; null once it is destroyed
  std::vector<Event*> waiting_;  // the events for which a coroutine waits
};

// Calls a function once when its time has come, unless it is moved or disarmed before. The function
// may set the deadline again, and may destroy this deadline and others.
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
  std::size_t index_ = 0;  // in runtime_.deadlines_
};

// Lets one coroutine wait until another one of the same runtime notifies it. A notify() without a
// waiter is remembered, once. Destroying the event frees the waiting coroutine without resuming it.
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

  // The same for at most `limit`: true when notify() came in time. A notify() that comes too late
  // is remembered for the next wait.
  [[nodiscard]] Task<bool> wait_for(Clock::duration limit);

 private:
  friend class Runtime;
  struct Waiter;
  void free_waiter();

  Runtime& runtime_;
  std::unique_ptr<Waiter> waiter_;
  Deadline* limit_ = nullptr;  // in the frame of wait_for(), until that wait is over
  std::size_t index_ = 0;      // in runtime_.waiting_, while a coroutine waits
  bool notified_ = false;
};

[[nodiscard]] Task<void> sleep(Runtime& runtime, Clock::duration duration);

// The same, until `cancellation` ends it; returns false when it was cancelled. What `cancellation`
// was armed with before is replaced, and afterwards it is disarmed.
[[nodiscard]] Task<bool> sleep(Runtime& runtime, Clock::duration duration,
                               Cancellation& cancellation);

}  // namespace ccproxy::net
