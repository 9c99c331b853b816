#include "store/trusted_time.hpp"

#include <cstdlib>

namespace ccproxy::store {
namespace {

constexpr std::int64_t kHour = 3600;
// A clock may be corrected by so many seconds without counting as a jump.
constexpr std::int64_t kMaxCorrection = 60;

}  // namespace

TrustedTime update_trusted_time(const std::optional<TrustedTime>& before, const ClockReading& now) {
  TrustedTime next{now, 0, 0};
  if (before) {
    const Uptime& then = before->seen.uptime;
    const bool is_comparable = then.boot == now.uptime.boot && then.seconds <= now.uptime.seconds;
    const std::int64_t elapsed = is_comparable ? now.uptime.seconds - then.seconds : 0;
    const std::int64_t jump = now.wall - before->seen.wall - elapsed;
    next.seconds = before->seconds + elapsed;
    if (is_comparable && std::abs(jump) <= kMaxCorrection)
      next.steady_for = before->steady_for + elapsed;
  }
  if (now.wall <= next.seconds || next.steady_for >= kHour) next.seconds = now.wall;
  return next;
}

}  // namespace ccproxy::store
