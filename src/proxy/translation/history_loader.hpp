// Fetches what a Responses request refers to: the responses that it continues, and the items that
// it names by their ids. The archive is read once. A stored summary stands for everything before
// it.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "dialect/history.hpp"
#include "net/runtime.hpp"
#include "proxy/state/memory_budget.hpp"
#include "store/archive.hpp"

namespace ccproxy::proxy {

// What is not stored, or not in this scope, is left out: the decoder says what is missing. `hold`
// counts what is fetched, on the archive's thread: nobody else may use it until this returns. Fails
// with kTooLarge for more than `max_megabytes` or ten thousand items, with kBusy when too much
// memory is held, and with kIo.
[[nodiscard]] Task<Result<dialect::History>> load_history(net::Runtime& runtime,
                                                          std::shared_ptr<store::Archive> archive,
                                                          std::string scope,
                                                          dialect::References references,
                                                          std::shared_ptr<MemoryReservation> hold,
                                                          std::size_t max_megabytes);

}  // namespace ccproxy::proxy
