// The messages of the user that a compaction retains word for word beside its summary: the last
// ones, of the request and of the responses that it continues.
#pragma once

#include <string>

#include "dialect/history.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Returns as many of the last messages as there is room for, as elements of a JSON array, the
// oldest first. `history` may be nullptr. Items without an id get one made of `key`.
[[nodiscard]] std::string retained_messages(json::Value request, const History* history,
                                            const std::string& key);

}  // namespace ccproxy::dialect
