// Puts a reply on its connection: sound ones through the HTTP server's own writer, broken ones as
// raw bytes past it.
#pragma once

#include "base/error.hpp"
#include "mock/reply.hpp"
#include "mock/visitor.hpp"

namespace ccproxy::mock {

// Returns when the reply is complete in the way it was meant to be: a stall ends with the client.
// Fails with kClientGone or kTimedOut. The reply must stay until then.
[[nodiscard]] Task<Result<void>> deliver(Visitor& visitor, const Reply& reply);

}  // namespace ccproxy::mock
