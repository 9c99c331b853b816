// Values that fit a JSON schema, so that the demo can call any tool and answer in any format.
#pragma once

#include <string_view>

#include "json/document.hpp"

namespace ccproxy::mock {

// A small value that fits `schema`: required members only, first choices, short texts. `name` is
// the member it is for: a command becomes one that is safe to run.
[[nodiscard]] json::Document sample_of(const json::Document& schema, std::string_view name);

}  // namespace ccproxy::mock
