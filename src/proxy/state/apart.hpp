// Where a text is read and rewritten: a large one apart from the loop, so that nobody waits for it
// but whoever sent it. Done apart are: reading, unfolding and rewriting large bodies on every route
// that looks into them, conversations that are fetched for them, coded answers, whatever an answer
// repeats that is as large (a whole one, items, the events of a response that repeat a large
// request, the object that is kept), and freeing what was made of large requests, which may have a
// million parts.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "base/error.hpp"
#include "base/function_ref.hpp"
#include "net/cancellation.hpp"
#include "net/task.hpp"
#include "proxy/state/worker_state.hpp"

namespace ccproxy::proxy {

// What a loop may read or write at a stretch: so much takes a few milliseconds, and ten at worst.
inline constexpr std::size_t kLarge = std::size_t{512} << 10;

[[nodiscard]] constexpr bool is_large(std::size_t size) { return size > kLarge; }

// For one call at a time: nothing of them outlives it.
struct Parsers {
  json::Reader& reader;
  json::Outline& outline;
};

// What ends a wait beside that for the upstream: the client leaves, or the server ends.
class ClientWait {
 public:
  ClientWait() = default;
  ClientWait(const ClientWait&) = delete;
  ClientWait& operator=(const ClientWait&) = delete;
  virtual ~ClientWait() = default;

  // UpstreamTarget for when the wait begins: from then on the client is watched.
  [[nodiscard]] virtual net::Cancellation& while_client_waits() = 0;
};

// Does `work` on a text of `size` bytes: here, or on a thread of the pool, with parsers that nobody
// else uses. There it may touch what belongs to its exchange and what is shared by all workers, and
// nothing else of the worker's. More than a MiB fails with kBusy when too much waits, and with
// kClosed when the client left, or the server ended, before it was begun: then it was not done.
// Once it was begun nothing ends the wait, so what it refers to must stay until it is over.
[[nodiscard]] Task<Result<void>> work_apart(WorkerState& worker, ClientWait& client,
                                            std::size_t size,
                                            FunctionRef<Result<void>(Parsers)> work);

// The same for what was begun: an answer that is told, say. It is never refused.
[[nodiscard]] Task<void> go_on_apart(WorkerState& worker, std::size_t size,
                                     FunctionRef<void()> work);

// Leaves `what` empty; what it was is freed apart when the text that it was made of is large, since
// it may have a part for every few bytes of that.
template <class T>
void free_apart(Shared& shared, std::size_t size, T& what) {
  T freed = std::exchange(what, T());
  if (!is_large(size)) return;
  try {
    shared.pool.dispose(std::make_shared<const T>(std::move(freed)));
  } catch (const std::bad_alloc&) {
    // Then it is freed here.
  }
}

}  // namespace ccproxy::proxy
