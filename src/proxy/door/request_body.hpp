// A client's JSON body, read whole: its size is bounded both as it was sent and decoded, and counts
// in the memory budget.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.hpp"
#include "http/coding.hpp"
#include "http/head.hpp"
#include "http/server_connection.hpp"
#include "net/task.hpp"
#include "proxy/state/memory_budget.hpp"

namespace ccproxy::proxy {

class ClientWait;
struct WorkerState;

struct RequestBody {
  std::string sent;     // as the client sent it; json::kPadding bytes behind size() are readable
  std::string decoded;  // without its Content-Encoding, padded likewise; empty where it has none
  http::Coding coding = http::Coding::kIdentity;

  // The JSON.
  [[nodiscard]] std::string& text() { return coding == http::Coding::kIdentity ? sent : decoded; }
};

// kBusy: the memory budget has no room for a request.
[[nodiscard]] tl::unexpected<Error> too_much_memory_held();

// Reads the body as it was sent; one with a Content-Encoding still has to be decoded by unfold().
// Fails with kTooLarge beyond `limit` bytes (before anything is read where Content-Length says so),
// kUnsupportedCoding, kBusy where the memory budget has no room, kTimedOut or kClientGone. `hold`
// counts the body.
[[nodiscard]] Task<Result<RequestBody>> read_whole_body(http::ServerConnection& client,
                                                        const http::RequestHead& head,
                                                        std::size_t limit, MemoryReservation& hold);

// Undoes the Content-Encoding of `body`: in the loop while that is little work, else in the pool.
// Fails with kTooLarge beyond `limit` bytes, with kInvalidRequest when the bytes are not of the
// coding, and as offload() does. `hold` counts the decoded body, too.
[[nodiscard]] Task<Result<void>> decompress(WorkerState& worker, ClientWait& client,
                                            RequestBody& body, std::size_t limit,
                                            MemoryReservation& hold);

}  // namespace ccproxy::proxy
