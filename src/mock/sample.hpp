// Values that match a JSON schema, so that the demo can call any tool and reply in any format.
#pragma once

#include <string_view>

#include "json/document.hpp"

namespace ccproxy::mock {

// Returns a small value that matches `schema`: only required members, first choices, short texts.
// `name` is the member that gets the value: one named `command` gets a command that is safe to run.
[[nodiscard]] json::Document sample_of(const json::Document& schema, std::string_view name);

}  // namespace ccproxy::mock
