// Exchanges that end otherwise than with their whole reply: what the client gets, and what the
// receipt notes.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

// For a client whose request comes, or still runs, when the time to finish is over.
[[nodiscard]] Error shutting_down();

// Writes to the receipt that the path of the request has no route. Call it before note_ending(),
// which would write the message of the error.
void note_unknown_route(telemetry::Receipt& receipt);

// Writes to the receipt why an exchange ended otherwise. The receipt gets nothing that the message
// of `error` may quote from a request. A detail that was noted before for the same ending stays.
void note_ending(telemetry::Receipt& receipt, const Error& error);

// An error whose message is `sentence`, followed by text that was quoted from a body. The client
// gets both, the receipt the sentence alone.
[[nodiscard]] tl::unexpected<Error> fail_quoting(telemetry::Receipt& receipt, ErrorKind kind,
                                                 std::string sentence, std::string_view quoted);

}  // namespace ccproxy::proxy
