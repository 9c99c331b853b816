// Work on large texts is done by a thread of the pool, so that it does not hold the event loop and
// with it all other clients of the worker. Offloaded are: reading, decompressing and rewriting
// large bodies on every route that looks into them, history that is fetched for them, compressed
// responses, whatever a reply repeats that is as large (whole replies, items, events that repeat a
// large request, the stored object), and freeing what was made of large requests, which may have a
// million parts.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "base/error.hpp"
#include "base/function_ref.hpp"
#include "json/outline.hpp"
#include "json/reader.hpp"
#include "net/task.hpp"
#include "proxy/state/client_wait.hpp"

namespace ccproxy::net {
class Runtime;
class WorkPool;
}  // namespace ccproxy::net

namespace ccproxy::proxy {

struct Shared;
struct WorkerState;

// A text beyond this many bytes is large. A loop reads or writes this much in a few milliseconds,
// ten at worst.
inline constexpr std::size_t kLarge = std::size_t{512} << 10;

[[nodiscard]] constexpr bool is_large(std::size_t size) { return size > kLarge; }

// Lent for one call: nothing in them outlives it.
struct Parsers {
  json::Reader& reader;
  json::Outline& outline;
};

// Does `work` on a text of `size` bytes: here, or in the pool where that is large. There it may use
// its exchange and what all workers share, and nothing else of the worker. Beyond 1 MiB it fails
// with kBusy when too much waits for the pool, and with kClosed when the client left, or the server
// ended, before `work` was begun. Once it was begun nothing ends the wait: all that `work` refers
// to must stay until this returns.
[[nodiscard]] Task<Result<void>> offload(WorkerState& worker, ClientWait& client, std::size_t size,
                                         FunctionRef<Result<void>(Parsers)> work);

// The same for a request that has been accepted, such as writing its reply: it is never refused.
[[nodiscard]] Task<void> offload_accepted(net::WorkPool& pool, net::Runtime& runtime,
                                          std::size_t size, FunctionRef<void()> work);
[[nodiscard]] Task<void> offload_accepted(WorkerState& worker, std::size_t size,
                                          FunctionRef<void()> work);

// Frees `what` in the pool, without waiting for that. Where there is no memory to do so, the caller
// frees it.
void free_in_pool(Shared& shared, std::shared_ptr<const void> what) noexcept;

// Leaves `what` empty, and frees what it was: in the pool where the text of `size` bytes that it
// was made of is large, since it may have a part for every few bytes of that.
template <class T>
void free_offloaded(Shared& shared, std::size_t size, T& what) {
  T freed = std::exchange(what, T());
  if (!is_large(size)) return;
  try {
    free_in_pool(shared, std::make_shared<const T>(std::move(freed)));
  } catch (const std::bad_alloc&) {
    // Then it is freed here.
  }
}

}  // namespace ccproxy::proxy
