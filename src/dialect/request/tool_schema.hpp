// The parameters of a function as upstream takes them: an object at the root, without unions there
// (rule A.4.2). Whatever is not at the root stays as it is, byte for byte.
#pragma once

#include <optional>
#include <string_view>

#include "dialect/request/block.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// A view of the client's text where nothing had to change. Nothing when `parameters` is neither an
// object nor absent.
[[nodiscard]] std::optional<std::string_view> tool_schema(json::Value parameters,
                                                          RequestArena& arena);

}  // namespace ccproxy::dialect
