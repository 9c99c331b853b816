// Fetches what a Responses request refers to: the responses that it continues, and the items that
// it only names. The store is asked once. A summary stands for all that was before it.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "dialect/history.hpp"
#include "net/runtime.hpp"
#include "proxy/state/memory_budget.hpp"
#include "store/archive.hpp"

namespace ccproxy::proxy {

// Nothing of what is not kept, or not kept in this scope: the decoder says what is missing. `hold`
// counts what is fetched, while it is fetched; nobody else may use it meanwhile. Fails with
// kTooLarge for more than that many megabytes or ten thousand items, with kBusy when too much is
// held, and with kIo.
[[nodiscard]] Task<Result<dialect::History>> load_history(net::Runtime& runtime,
                                                          std::shared_ptr<store::Archive> archive,
                                                          std::string scope,
                                                          dialect::References references,
                                                          std::shared_ptr<MemoryReservation> hold,
                                                          std::size_t most_megabytes);

}  // namespace ccproxy::proxy
