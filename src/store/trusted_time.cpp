#include "store/trusted_time.hpp"

#include <cstdlib>

namespace ccproxy::store {
namespace {

constexpr std::int64_t kToKeep = 3600;
// By so much a clock may be corrected without having jumped.
constexpr std::int64_t kCorrection = 60;

}  // namespace

TrustedTime look_again(const std::optional<TrustedTime>& before, const ClockReading& now) {
  TrustedTime next{now, 0, 0};
  if (before) {
    const Uptime& then = before->seen.uptime;
    const bool is_comparable = then.boot == now.uptime.boot && then.seconds <= now.uptime.seconds;
    const std::int64_t elapsed = is_comparable ? now.uptime.seconds - then.seconds : 0;
    const std::int64_t jump = now.wall - before->seen.wall - elapsed;
    next.seconds = before->seconds + elapsed;
    if (is_comparable && std::abs(jump) <= kCorrection) next.kept = before->kept + elapsed;
  }
  if (now.wall <= next.seconds || next.kept >= kToKeep) next.seconds = now.wall;
  return next;
}

}  // namespace ccproxy::store
