// A task that runs in the background while its owner waits for it with a limit: when the limit
// expires, the task goes on and the owner may do something else before it waits again.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "net/runtime.hpp"

namespace ccproxy::net {

template <class T>
class Pending {
 public:
  // Starts `task`. An owner that destroys this before the task is done must make sure that the task
  // ends soon, and that everything it uses lives until then.
  Pending(Runtime& runtime, Task<T> task) : state_(std::make_shared<State>(runtime)) {
    runtime.spawn(run(state_, std::move(task)));
  }

  // Waits for at most `limit`; true when the task is done.
  [[nodiscard]] Task<bool> done_within(Clock::duration limit);

  // Returns the task's result, or throws the exception that has left it. Call it once, when the
  // task is done.
  [[nodiscard]] T take() {
    if (state_->thrown) std::rethrow_exception(state_->thrown);
    return std::move(*state_->result);
  }

 private:
  struct State {
    explicit State(Runtime& runtime) : changed(runtime) {}
    Event changed;
    std::optional<T> result{};
    std::exception_ptr thrown{};

    [[nodiscard]] bool is_done() const { return result.has_value() || thrown != nullptr; }
  };

  [[nodiscard]] static Task<void> run(std::shared_ptr<State> state, Task<T> task);

  std::shared_ptr<State> state_;
};

template <class T>
Task<bool> Pending<T>::done_within(Clock::duration limit) {
  const std::shared_ptr<State> state = state_;
  if (!state->is_done()) (void)co_await state->changed.wait_for(limit);
  co_return state->is_done();
}

template <class T>
Task<void> Pending<T>::run(std::shared_ptr<State> state, Task<T> task) {
  try {
    T result = co_await std::move(task);
    state->result.emplace(std::move(result));
  } catch (...) {
    state->thrown = std::current_exception();
  }
  state->changed.notify();
}

}  // namespace ccproxy::net
