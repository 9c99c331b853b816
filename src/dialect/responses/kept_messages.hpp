// What a compaction keeps word for word beside its summary: the user's last messages, of the
// request and of the responses that it continues.
#pragma once

#include <string>

#include "dialect/history.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Elements of a JSON array, the oldest first, as many of the last ones as there is room for. `past`
// may be nullptr; items without an id get one made of `key`.
[[nodiscard]] std::string messages_to_keep(json::Value request, const History* history,
                                           const std::string& key);

}  // namespace ccproxy::dialect
