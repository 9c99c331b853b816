// What a response object repeats of its request (rule B.4): clients rely on every member
// being there.
#pragma once

#include <string>

#include "json/outline.hpp"

namespace ccproxy::dialect {

// Members of the response object, each with a comma before it. `stores`: whether the answer is
// kept.
[[nodiscard]] std::string echo_of(json::Value request, bool stores);

// The same of an answer that was to be kept and could not be.
[[nodiscard]] std::string not_stored(std::string echo);

}  // namespace ccproxy::dialect
