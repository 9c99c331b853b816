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

namespace ccproxy::net {

namespace asio = boost::asio;

namespace {

// Lists that know where each member stands: taking one out costs the same wherever it is.
template <class T>
void take_out(std::vector<T*>& all, std::size_t T::*place, const T& member) {
  all.back()->*place = member.*place;
  all[member.*place] = all.back();
  all.pop_back();
}

// What this thread has run so far, whatever else the machine does.
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

// One thread runs it, so the reactor's locks are left out; post() from other threads stays safe.
Runtime::Runtime()
    : context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO), timer_(std::make_unique<Timer>(context_)) {}

// A coroutine that waits for an event hangs on nothing but that event, which its own frame may own.
Runtime::~Runtime() {
  while (!waiting_.empty()) waiting_.back()->forget_waiter();
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
      escaped(std::current_exception());
    }
  }
}

void Runtime::watch_turns(Clock::duration most, std::function<void(Clock::duration)> on_long) {
  most_turn_ = most;
  on_long_turn_ = std::move(on_long);
}

void Runtime::run_measured() {
  auto begun = thread_time();
  while (context_.run_one() > 0) {
    const auto taken = thread_time() - begun;
    if (taken > most_turn_) on_long_turn_(taken);
    begun = thread_time();
  }
}

void Runtime::stop() { context_.stop(); }

void Runtime::spawn(Task<void> task) {
  ++tasks_;
  asio::co_spawn(context_, std::move(task), [this](const std::exception_ptr& exception) {
    if (--tasks_ == 0) forget_idle_wake();
    if (exception) std::rethrow_exception(exception);  // out of run()
  });
}

void Runtime::survive(std::function<void(std::string_view what)> on_escape) {
  on_escape_ = std::move(on_escape);
}

void Runtime::escaped(const std::exception_ptr& exception) {
  if (!on_escape_) std::rethrow_exception(exception);
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    on_escape_(error.what());
  } catch (...) {
    on_escape_("an unknown exception");
  }
}

void Runtime::post(std::function<void()> work) { asio::post(context_, std::move(work)); }

void Runtime::wake_by(Clock::time_point when) {
  if (when >= next_wake_) return;
  next_wake_ = Clock::time_point::max();  // should there be no memory: then it is not set
  timer_->timer.expires_at(when);
  timer_->timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_wake();
  });
  next_wake_ = when;
}

// When nothing runs and no deadline is armed, run() must not wait for the wake-up of one that was.
// Only then: as long as tasks run, the wake-up that is set already saves a system call.
void Runtime::forget_idle_wake() {
  const auto is_armed = [](const Deadline* each) {
    return each->when_ != Clock::time_point::max();
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
      call();  // may end deadlines, this one included: only the index is used on
    } catch (...) {
      escaped(std::current_exception());  // the others have their time, too
    }
    if (calling_ != nullptr) calling_->on_expire_ = std::move(call);
  }
  calling_ = nullptr;
  auto earliest = Clock::time_point::max();
  for (const Deadline* deadline : deadlines_) earliest = std::min(earliest, deadline->when_);
  if (earliest != Clock::time_point::max()) wake_by(earliest);
}

Deadline::Deadline(Runtime& runtime, std::function<void()> on_expire)
    : runtime_(runtime), on_expire_(std::move(on_expire)), place_(runtime.deadlines_.size()) {
  runtime_.deadlines_.push_back(this);
}

Deadline::~Deadline() {
  if (runtime_.calling_ == this) runtime_.calling_ = nullptr;
  take_out(runtime_.deadlines_, &Deadline::place_, *this);
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
  if (waiter_->handler) forget_waiter();
}

void Event::forget_waiter() {
  take_out(runtime_.waiting_, &Event::place_, *this);
  const auto freed = std::exchange(waiter_->handler, std::nullopt);
}

void Event::notify() {
  if (!waiter_->handler) {
    notified_ = true;
    return;
  }
  take_out(runtime_.waiting_, &Event::place_, *this);
  auto handler = std::move(*waiter_->handler);
  waiter_->handler.reset();
  asio::post(runtime_.context(), std::move(handler));
}

Task<void> Event::wait() {
  if (std::exchange(notified_, false)) co_return;
  UseTask token;
  const auto keep = [](auto handler, Event* event) {
    event->waiter_->handler.emplace(std::move(handler));
    event->place_ = event->runtime_.waiting_.size();
    event->runtime_.waiting_.push_back(event);
  };
  co_await asio::async_initiate<UseTask, void()>(keep, token, this);
  // From here on the event may be gone: whoever woke us may have ended it since.
}

Task<void> sleep(Runtime& runtime, Clock::duration duration) {
  SteadyTimer timer(runtime.context(), duration);
  co_await timer.async_wait(kUseTask);
}

}  // namespace ccproxy::net
