#include "net/runtime.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ctime>
#include <exception>
#include <optional>
#include <utility>

#include "net/asio.hpp"
#include "net/cancellation.hpp"

namespace ccproxy::net {

namespace asio = boost::asio;

namespace {

// Removes an element from a list whose elements know their index, in constant time: the last one
// takes its place.
template <class T>
void swap_remove(std::vector<T*>& all, std::size_t T::*index, const T& element) {
  all.back()->*index = element.*index;
  all[element.*index] = all.back();
  all.pop_back();
}

// The processor time that this thread has used.
Clock::duration thread_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

struct Runtime::Timer {
  explicit Timer(asio::io_context& context) : timer(context) {}
  SteadyTimer timer;
};

// Only one thread runs the loop, so the reactor needs no locks. post() is safe all the same.
Runtime::Runtime()
    : context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO), timer_(std::make_unique<Timer>(context_)) {}

// Asio does not know a coroutine that waits for an event, and such a coroutine may own the event in
// its own frame: only this can free it.
Runtime::~Runtime() {
  while (!waiting_.empty()) waiting_.back()->free_waiter();
  context_.end_all();
}

void Runtime::run() {
  while (true) {
    try {
      if (on_long_turn_)
        run_measured();
      else
        context_.run();
      return;
    } catch (...) {
      report_exception(std::current_exception());
    }
  }
}

void Runtime::watch_turns(Clock::duration limit,
                          std::function<void(Clock::duration)> on_long_turn) {
  turn_limit_ = limit;
  on_long_turn_ = std::move(on_long_turn);
}

void Runtime::run_measured() {
  auto begun = thread_time();
  while (context_.run_one() > 0) {
    const auto used = thread_time() - begun;
    if (used > turn_limit_) on_long_turn_(used);
    begun = thread_time();
  }
}

void Runtime::stop() { context_.stop(); }

void Runtime::spawn(Task<void> task) {
  ++tasks_;
  asio::co_spawn(context_, std::move(task), [this](const std::exception_ptr& exception) {
    if (--tasks_ == 0) forget_idle_wake();
    if (exception) std::rethrow_exception(exception);  // run() catches it
  });
}

void Runtime::set_exception_handler(std::function<void(std::string_view what)> on_exception) {
  on_exception_ = std::move(on_exception);
}

void Runtime::report_exception(const std::exception_ptr& exception) {
  if (!on_exception_) std::rethrow_exception(exception);
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    on_exception_(error.what());
  } catch (...) {
    on_exception_("an unknown exception");
  }
}

void Runtime::post(std::function<void()> work) { asio::post(context_, std::move(work)); }

void Runtime::wake_by(Clock::time_point when) {
  if (when >= next_wake_) return;
  next_wake_ = Clock::time_point::max();  // in case setting the timer throws for lack of memory
  timer_->timer.expires_at(when);
  timer_->timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_wake();
  });
  next_wake_ = when;
}

// When no task runs and no deadline is armed, run() must not wait for the timer of a deadline that
// was disarmed. While tasks run the timer stays set, since setting it again costs a system call.
void Runtime::forget_idle_wake() {
  const auto is_armed = [](const Deadline* deadline) {
    return deadline->when_ != Clock::time_point::max();
  };
  if (tasks_ == 0 && std::none_of(deadlines_.begin(), deadlines_.end(), is_armed)) forget_wake();
}

void Runtime::forget_wake() {
  next_wake_ = Clock::time_point::max();
  timer_->timer.cancel();
}

void Runtime::on_wake() {
  next_wake_ = Clock::time_point::max();
  const auto now = Clock::now();
  for (std::size_t i = 0; i < deadlines_.size(); ++i) {
    Deadline& deadline = *deadlines_[i];
    if (deadline.when_ > now) continue;
    deadline.when_ = Clock::time_point::max();
    calling_ = &deadline;
    auto call = std::move(deadline.on_expire_);
    try {
      call();  // may destroy deadlines, this one included: only the index is used afterwards
    } catch (...) {
      report_exception(std::current_exception());  // the other deadlines must still be called
    }
    if (calling_ != nullptr) calling_->on_expire_ = std::move(call);
  }
  calling_ = nullptr;
  auto earliest = Clock::time_point::max();
  for (const Deadline* deadline : deadlines_) earliest = std::min(earliest, deadline->when_);
  if (earliest != Clock::time_point::max()) wake_by(earliest);
}

Deadline::Deadline(Runtime& runtime, std::function<void()> on_expire)
    : runtime_(runtime), on_expire_(std::move(on_expire)), index_(runtime.deadlines_.size()) {
  runtime_.deadlines_.push_back(this);
}

Deadline::~Deadline() {
  if (runtime_.calling_ == this) runtime_.calling_ = nullptr;
  swap_remove(runtime_.deadlines_, &Deadline::index_, *this);
  if (runtime_.deadlines_.empty()) {
    runtime_.forget_wake();
  } else if (runtime_.tasks_ == 0) {
    runtime_.forget_idle_wake();
  }
}

void Deadline::disarm() {
  when_ = Clock::time_point::max();
  if (runtime_.tasks_ == 0) runtime_.forget_idle_wake();
}

void Deadline::expires_after(Clock::duration duration) {
  when_ = Clock::now() + duration;
  runtime_.wake_by(when_);
}

struct Event::Waiter {
  using Handler = asio::async_result<UseTask, void()>::handler_type;
  std::optional<Handler> handler;
};

Event::Event(Runtime& runtime) : runtime_(runtime), waiter_(std::make_unique<Waiter>()) {}

Event::~Event() {
  if (waiter_->handler) free_waiter();
}

void Event::free_waiter() {
  swap_remove(runtime_.waiting_, &Event::index_, *this);
  // Asio frees the waiter in a later turn of the loop; its limit must not touch this event then.
  if (limit_ != nullptr) std::exchange(limit_, nullptr)->disarm();
  const auto freed = std::exchange(waiter_->handler, std::nullopt);
}

void Event::notify() {
  if (!waiter_->handler) {
    notified_ = true;
    return;
  }
  swap_remove(runtime_.waiting_, &Event::index_, *this);
  // It could expire before the waiter resumes, and this event may be destroyed by then.
  if (limit_ != nullptr) std::exchange(limit_, nullptr)->disarm();
  auto handler = std::move(*waiter_->handler);
  waiter_->handler.reset();
  asio::post(runtime_.context(), std::move(handler));
}

Task<void> Event::wait() {
  if (std::exchange(notified_, false)) co_return;
  UseTask token;
  const auto suspend = [](auto handler, Event* event) {
    event->waiter_->handler.emplace(std::move(handler));
    event->index_ = event->runtime_.waiting_.size();
    event->runtime_.waiting_.push_back(event);
  };
  co_await asio::async_initiate<UseTask, void()>(suspend, token, this);
  // Do not touch the event from here on: it may have been destroyed after notify().
}

Task<bool> Event::wait_for(Clock::duration limit) {
  if (std::exchange(notified_, false)) co_return true;
  bool in_time = true;
  Deadline deadline(runtime_, [this, &in_time] {
    in_time = false;
    notify();
  });
  deadline.expires_after(limit);
  limit_ = &deadline;
  co_await wait();
  co_return in_time;  // the event may have been destroyed
}

Task<void> sleep(Runtime& runtime, Clock::duration duration) {
  SteadyTimer timer(runtime.context(), duration);
  co_await timer.async_wait(kUseTask);
}

Task<bool> sleep(Runtime& runtime, Clock::duration duration, Cancellation& cancellation) {
  Event cancelled(runtime);
  cancellation.arm([&cancelled] { cancelled.notify(); });
  (void)co_await cancelled.wait_for(duration);
  cancellation.disarm();
  co_return !cancellation.cancelled();
}

}  // namespace ccproxy::net
