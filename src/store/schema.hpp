// The tables of the store, and how a file of an older version gets them. It refuses to know what is
// queried from them.
#pragma once

#include <chrono>

#include "base/error.hpp"
#include "store/database.hpp"

namespace ccproxy::store {

// Brings the tables up to the newest version, with all steps or none. Fails with kConfiguration
// when a newer CCProxy or another program has created them, with kBusy when the write lock is not
// to be had within `wait`, and else with kIo.
[[nodiscard]] Result<void> migrate(Database& database,
                                   std::chrono::milliseconds wait = kDefaultWait);

}  // namespace ccproxy::store
