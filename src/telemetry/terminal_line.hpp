// What a person at a terminal reads of an event: of a request one line that fits, and what went
// wrong with it on lines of their own; of anything else a sentence.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/line.hpp"

namespace ccproxy::telemetry {

using LineFields = std::vector<std::pair<std::string_view, std::string>>;

// `fields` begin with the event; their values are escaped already. The time is that of this
// machine.
[[nodiscard]] std::string terminal_line(WallClock::time_point when, Level level,
                                        const LineFields& fields, Look look);

}  // namespace ccproxy::telemetry
