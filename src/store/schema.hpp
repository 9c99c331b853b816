// The tables of the store, and how a file of an older version comes to have them. It refuses to
// know what is asked of them.
#pragma once

#include <chrono>

#include "base/error.hpp"
#include "store/database.hpp"

namespace ccproxy::store {

// Brings the tables up to the newest version, all steps or none. Fails with kConfiguration when a
// newer CCProxy, or another program, has made them, with kBusy when the turn to write does not come
// within `wait`; kIo otherwise.
[[nodiscard]] Result<void> migrate(Database& database,
                                   std::chrono::milliseconds wait = kDefaultWait);

}  // namespace ccproxy::store
