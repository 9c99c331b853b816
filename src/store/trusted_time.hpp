// What time it is as far as anything may be erased for its age. A wall clock may be wrong, as on a
// machine that starts with the time of another year, and what was erased does not come back. So a
// time that the clock has jumped ahead to counts when the clock has kept it for an hour. It is
// given what the clocks say, and refuses to look at them.
#pragma once

#include <cstdint>
#include <optional>

#include "base/uptime.hpp"

namespace ccproxy::store {

struct ClockReading {
  std::int64_t wall;  // seconds since 1970; may jump
  Uptime uptime;      // goes on while the machine sleeps, and begins anew when it starts
};

// As of the last look, by whichever process.
struct TrustedTime {
  ClockReading seen;
  std::int64_t seconds;  // since 1970: the trusted time
  std::int64_t kept;     // for so many seconds the wall clock had kept its time
};

// One more look, at `now`. In between the time is known to have gone on as far as the uptime has,
// and no further over a start of the machine. A clock that is set back is believed at once: what is
// younger stays. Without a look before, nothing is old for an hour.
[[nodiscard]] TrustedTime look_again(const std::optional<TrustedTime>& before,
                                     const ClockReading& now);

}  // namespace ccproxy::store
