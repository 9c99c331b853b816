// The time by which stored responses may be erased for their age. A wall clock may be wrong, as on
// a machine that starts in another year, and what was erased does not come back: so a time that the
// clock has jumped ahead to counts only when the clock has run on from it for an hour. This file is
// given the clocks' readings and refuses to read them.
#pragma once

#include <cstdint>
#include <optional>

#include "base/uptime.hpp"

namespace ccproxy::store {

struct ClockReading {
  std::int64_t wall;  // seconds since 1970; may jump
  Uptime uptime;      // goes on while the machine sleeps, and begins anew when the machine starts
};

// The trusted time at the last look at the clocks, by whichever process.
struct TrustedTime {
  ClockReading seen;
  std::int64_t seconds;     // since 1970
  std::int64_t steady_for;  // how many seconds the wall clock had run without a jump
};

// Returns the trusted time for one more look at the clocks, `now`. Between two looks it advances by
// the uptime, and not at all over a start of the machine. A clock that is set back is believed at
// once, since then fewer responses are old. Without an earlier look nothing is old for an hour.
[[nodiscard]] TrustedTime update_trusted_time(const std::optional<TrustedTime>& before,
                                              const ClockReading& now);

}  // namespace ccproxy::store
