// The two clocks: one for durations, one for people. Whoever needs the time is given it, so that
// tests can tell another.
#pragma once

#include <chrono>
#include <cstdint>

namespace ccproxy {

using Clock = std::chrono::steady_clock;      // durations and deadlines; never jumps
using WallClock = std::chrono::system_clock;  // log lines and expiry dates; may jump

// Milliseconds since 1970, as files and answers tell a time.
[[nodiscard]] inline std::int64_t unix_milliseconds(WallClock::time_point when) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

// Seconds since 1970.
[[nodiscard]] inline std::int64_t now_in_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(WallClock::now().time_since_epoch())
      .count();
}

}  // namespace ccproxy
