// How exchanges end that do not end as they should.
#pragma once

#include "base/error.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

// The code of an error about a path that nobody serves.
inline constexpr const char* kUnknownUrl = "unknown_url";

// What a client is told whose request comes, or still runs, when the time to finish is over.
[[nodiscard]] Error shutting_down();

// Tells the receipt why an exchange did not end as it should.
void note_ending(telemetry::Receipt& receipt, const Error& error);

}  // namespace ccproxy::proxy
