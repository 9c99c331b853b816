// Something that is under way while its owner does other things now and then: a wait with a limit
// that does not end what is waited for.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "net/runtime.hpp"

namespace ccproxy::net {

template <class T>
class Pending {
 public:
  // Starts `task`. Whoever drops this before it is done must see to it that the task ends soon and
  // that what it uses lives until then.
  Pending(Runtime& runtime, Task<T> task)
      : runtime_(runtime), state_(std::make_shared<State>(runtime)) {
    runtime.spawn(run(state_, std::move(task)));
  }

  // True when it is done; false when `patience` was over before.
  [[nodiscard]] Task<bool> done_within(Clock::duration patience);

  // What it brought; once, when it is done. Throws what it has thrown.
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

  Runtime& runtime_;
  std::shared_ptr<State> state_;
};

template <class T>
Task<bool> Pending<T>::done_within(Clock::duration patience) {
  const std::shared_ptr<State> state = state_;
  if (!state->is_done()) {
    Deadline over(runtime_, std::bind_front(&Event::notify, &state->changed));
    over.expires_after(patience);
    co_await state->changed.wait();
  }
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
