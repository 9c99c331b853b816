// The two clocks: one for durations, one for people. Code that needs the time takes it as an
// argument where it can, so that tests can pass another one.
#pragma once

#include <chrono>
#include <cstdint>

namespace ccproxy {

using Clock = std::chrono::steady_clock;      // for durations and deadlines; never jumps
using WallClock = std::chrono::system_clock;  // for log lines and expiry dates; may jump

// Milliseconds since 1970.
[[nodiscard]] inline std::int64_t unix_milliseconds(WallClock::time_point when) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

// The current time in seconds since 1970.
[[nodiscard]] inline std::int64_t now_in_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(WallClock::now().time_since_epoch())
      .count();
}

}  // namespace ccproxy
