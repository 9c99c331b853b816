// A client's JSON body, read whole: bounded as it came and as it unfolds, counted among the bytes
// that all requests may hold.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.hpp"
#include "http/coding.hpp"
#include "http/head.hpp"
#include "http/server_connection.hpp"
#include "proxy/state/apart.hpp"
#include "proxy/state/worker_state.hpp"

namespace ccproxy::proxy {

struct RequestBody {
  std::string sent;     // as it came, with json::kPadding readable bytes behind size()
  std::string decoded;  // unfolded, padded likewise; empty when `sent` is not coded
  http::Coding coding = http::Coding::kIdentity;

  // What the JSON is.
  [[nodiscard]] std::string& text() { return coding == http::Coding::kIdentity ? sent : decoded; }
};

// What is told when that is too much.
[[nodiscard]] tl::unexpected<Error> too_much_memory_held();

// As it came: what is coded still is to be unfolded. Fails with kTooLarge (told from Content-Length
// alone where there is one), kUnsupportedCoding, kBusy when too much is held, kTimedOut or
// kClientGone.
[[nodiscard]] Task<Result<RequestBody>> read_whole_body(http::ServerConnection& client,
                                                        const http::RequestHead& head,
                                                        std::size_t limit, MemoryReservation& hold);

// What is small may unfold to much: how much it is shows on the way. Fails with kTooLarge, with
// kInvalidRequest when it is not of its coding, and as work_apart() does.
[[nodiscard]] Task<Result<void>> unfold(WorkerState& worker, ClientWait& client, RequestBody& body,
                                        std::size_t limit, MemoryReservation& hold);

}  // namespace ccproxy::proxy
