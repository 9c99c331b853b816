// Which header fields came with a message, for the log of `--verbose`: names, never values.
#pragma once

#include <string_view>

#include "http/head.hpp"

namespace ccproxy::proxy {

struct Shared;

// Writes a line of that event when the log is verbose; `id` is the id of the request.
void trace_header_names(Shared& shared, std::string_view id, std::string_view event,
                        const http::Head& head);

}  // namespace ccproxy::proxy
