// The parameters of a function as upstream takes them: a schema with an object and no unions at its
// root (rule A.4.2). Everything below the root stays the same, byte for byte.
#pragma once

#include <optional>
#include <string_view>

#include "dialect/request/block.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// The schema as JSON: a view of the client's where nothing had to change, else of `arena`. Nothing
// when `parameters` is neither an object nor absent, or has too many unions.
[[nodiscard]] std::optional<std::string_view> tool_schema(json::Value parameters,
                                                          RequestArena& arena);

}  // namespace ccproxy::dialect
