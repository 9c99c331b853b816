// Writes a reply to its connection: correct replies through the HTTP server's own writer, broken
// ones as raw bytes past it.
#pragma once

#include "base/error.hpp"
#include "mock/client_connection.hpp"
#include "mock/reply.hpp"

namespace ccproxy::mock {

// Returns when the reply was sent in the way that it was meant to be; a stall lasts until the
// client leaves or its limit is reached. Fails with kClientGone or kTimedOut. `client` and `reply`
// must stay valid until then.
[[nodiscard]] Task<Result<void>> deliver(ClientConnection& client, const Reply& reply);

}  // namespace ccproxy::mock
