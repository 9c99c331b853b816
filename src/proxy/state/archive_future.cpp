#include "proxy/state/archive_future.hpp"

namespace ccproxy::proxy {

store::Archive::Callback ArchiveFuture::callback() {
  return [&runtime = runtime_, weak = std::weak_ptr(state_)](Result<void> done) {
    runtime.post([weak, done = std::move(done)] {
      const auto state = weak.lock();
      if (!state) return;
      state->result = done;
      state->changed.notify();
    });
  };
}

Task<Result<void>> ArchiveFuture::wait() {
  const auto state = state_;
  while (!state->result) co_await state->changed.wait();
  co_return *state->result;
}

Task<std::optional<Result<void>>> ArchiveFuture::wait_for(Clock::duration limit) {
  const auto state = state_;
  const auto deadline = Clock::now() + limit;
  bool is_in_time = limit > Clock::duration::zero();
  while (!state->result && is_in_time)
    is_in_time = co_await state->changed.wait_for(deadline - Clock::now());
  co_return state->result;
}

}  // namespace ccproxy::proxy
