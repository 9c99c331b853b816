#include "proxy/state/archive_future.hpp"

namespace ccproxy::proxy {

store::Archive::Done ArchiveFuture::callback() {
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
  bool is_late = limit <= Clock::duration::zero();
  net::Deadline deadline(runtime_, [&is_late, state = state.get()] {
    is_late = true;
    state->changed.notify();
  });
  if (!is_late) deadline.expires_after(limit);
  while (!state->result && !is_late) co_await state->changed.wait();
  co_return state->result;
}

}  // namespace ccproxy::proxy
