#include "proxy/state/offload.hpp"

#include <chrono>

#include "net/runtime.hpp"
#include "net/work_pool.hpp"
#include "proxy/state/worker_state.hpp"

namespace ccproxy::proxy {
namespace {

// A text of this size is nearly large, and is read more than once: the loop serves others before
// each time.
constexpr std::size_t kYieldBytes = kLarge / 2;
// Conversations often grow to this size, and are read quickly: they are never refused, and go
// before larger ones.
constexpr std::size_t kNeverRefusedBytes = std::size_t{1} << 20;

Error too_many_at_once() {
  return {ErrorKind::kBusy, "too many large requests at once (server.workers): try again", "", "",
          std::chrono::seconds(1)};
}

}  // namespace

Task<Result<void>> offload(WorkerState& worker, ClientWait& client, std::size_t size,
                           FunctionRef<Result<void>(Parsers)> work) {
  if (!is_large(size)) {
    if (size > kYieldBytes) co_await net::sleep(worker.runtime, Clock::duration::zero());
    auto done = work({worker.reader, worker.outline});
    worker.outline.clear();
    co_return done;
  }
  Result<void> result;
  const auto offloaded = [&result, &work] {
    json::Reader reader;
    json::Outline outline;
    result = work({reader, outline});
  };
  net::WorkPool& pool = worker.shared.pool;
  if (size <= kNeverRefusedBytes) {
    co_await pool.run_continuation(worker.runtime, offloaded);
    co_return result;
  }
  auto done = co_await pool.run(worker.runtime, offloaded, client.while_client_waits());
  if (!done && done.error().kind == ErrorKind::kBusy) co_return fail(too_many_at_once());
  if (!done) co_return done;
  co_return result;
}

Task<void> offload_accepted(net::WorkPool& pool, net::Runtime& runtime, std::size_t size,
                            FunctionRef<void()> work) {
  if (!is_large(size))
    work();
  else
    co_await pool.run_continuation(runtime, work);
}

Task<void> offload_accepted(WorkerState& worker, std::size_t size, FunctionRef<void()> work) {
  return offload_accepted(worker.shared.pool, worker.runtime, size, work);
}

void free_in_pool(Shared& shared, std::shared_ptr<const void> what) noexcept {
  shared.pool.dispose(std::move(what));
}

}  // namespace ccproxy::proxy
