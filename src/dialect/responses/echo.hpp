// The members of a response object that repeat its request (rule B.4). Clients rely on all of them
// being there.
#pragma once

#include <string>

#include "json/outline.hpp"

namespace ccproxy::dialect {

// The members as JSON, each with a comma before it. `stores` is the value of `store`.
[[nodiscard]] std::string echo_of(json::Value request, bool stores);

// The same members for a response that was to be stored and could not be.
[[nodiscard]] std::string not_stored(std::string echo);

}  // namespace ccproxy::dialect
