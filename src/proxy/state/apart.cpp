#include "proxy/state/apart.hpp"

#include <chrono>

namespace ccproxy::proxy {
namespace {

// Nearly as large, and read more than once on its way: others have a turn before each time.
constexpr std::size_t kLargish = kLarge / 2;
// Conversations grow to this size every day, and are read in no time: they are never refused, and
// go before those that are larger.
constexpr std::size_t kNeverRefused = std::size_t{1} << 20;

Error too_many_at_once() {
  return {ErrorKind::kBusy, "too many large requests at once (server.workers): try again", "", "",
          std::chrono::seconds(1)};
}

}  // namespace

Task<Result<void>> work_apart(WorkerState& worker, ClientWait& client, std::size_t size,
                              FunctionRef<Result<void>(Parsers)> work) {
  if (!is_large(size)) {
    if (size > kLargish) co_await net::sleep(worker.runtime, Clock::duration::zero());
    auto done = work({worker.reader, worker.outline});
    worker.outline.clear();
    co_return done;
  }
  Result<void> result;
  const auto apart = [&result, &work] {
    json::Reader reader;
    json::Outline outline;
    result = work({reader, outline});
  };
  net::WorkPool& pool = worker.shared.pool;
  if (size <= kNeverRefused) {
    co_await pool.go_on(worker.runtime, apart);
    co_return result;
  }
  auto done = co_await pool.run(worker.runtime, apart, client.while_client_waits());
  if (!done && done.error().kind == ErrorKind::kBusy) co_return fail(too_many_at_once());
  if (!done) co_return done;
  co_return result;
}

Task<void> go_on_apart(WorkerState& worker, std::size_t size, FunctionRef<void()> work) {
  if (!is_large(size))
    work();
  else
    co_await worker.shared.pool.go_on(worker.runtime, work);
}

}  // namespace ccproxy::proxy
