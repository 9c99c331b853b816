// What a person at a terminal reads of an event: for a request one line that fits and lines of
// their own for what went wrong, for anything else a sentence.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/line.hpp"

namespace ccproxy::telemetry {

using LineFields = std::vector<std::pair<std::string_view, std::string>>;

// `fields` begin with the event; their values must be escaped already. The time is shown in this
// machine's time zone.
[[nodiscard]] std::string terminal_line(WallClock::time_point when, Level level,
                                        const LineFields& fields, LineStyle style);

}  // namespace ccproxy::telemetry
