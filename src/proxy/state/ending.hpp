// How exchanges end that do not end as they should.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

// The code of an error about a path that nobody serves.
inline constexpr const char* kUnknownUrl = "unknown_url";

// What a client is told whose request comes, or still runs, when the time to finish is over.
[[nodiscard]] Error shutting_down();

// Tells the receipt why an exchange did not end as it should: without what the message of an error
// about a request's body may quote of it. What was noted before of the same ending stays.
void note_ending(telemetry::Receipt& receipt, const Error& error);

// An error whose message goes on, behind a sentence of ours, with what somebody's body says: the
// client is told both, the receipt the sentence alone.
[[nodiscard]] tl::unexpected<Error> fail_quoting(telemetry::Receipt& receipt, ErrorKind kind,
                                                 std::string sentence, std::string_view quoted);

}  // namespace ccproxy::proxy
