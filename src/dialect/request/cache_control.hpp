// The members by which a client marks a part, message, tool or call as a prompt cache breakpoint:
// Anthropic's `cache_control` and OpenAI's `prompt_cache_breakpoint` (rule A.3.5). How many of the
// breakpoints upstream takes is settled in request/cache_breakpoints.hpp.
#pragma once

#include <string_view>

#include "dialect/request/block.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// The breakpoint that either member of `holder` requests.
[[nodiscard]] CacheControl cache_control_of(json::Value holder);

// The same for a caller that has looked up `cache_control` and `prompt_cache_breakpoint` already.
[[nodiscard]] CacheControl cache_control_of(json::Value control, json::Value breakpoint);

// `object` as JSON without both members, which a block holds as its own `cache_control`. A view of
// the request where there are none, else of `arena`.
[[nodiscard]] std::string_view without_cache_control(json::Value object, RequestArena& arena);

}  // namespace ccproxy::dialect
