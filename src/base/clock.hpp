// The two clocks: one for durations, one for people. Whoever needs the time is given it, so that
// tests can tell another.
#pragma once

#include <chrono>

namespace ccproxy {

using Clock = std::chrono::steady_clock;      // durations and deadlines; never jumps
using WallClock = std::chrono::system_clock;  // log lines and expiry dates; may jump

}  // namespace ccproxy
