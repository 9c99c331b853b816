#include "telemetry/refusals.hpp"

#include <chrono>
#include <utility>

namespace ccproxy::telemetry {
namespace {

constexpr std::chrono::seconds kLogInterval{1};

}  // namespace

bool Refusals::count(std::string_view last, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (rest_ == 0 && (last_logged_ == Clock::time_point{} || now - last_logged_ >= kLogInterval)) {
    last_logged_ = now;
    return true;
  }
  ++rest_;
  last_ = last;
  return false;
}

void Refusals::log_refusal(Log& log, std::string_view last, Clock::time_point now) {
  if (count(last, now)) write(log, 1, last);
}

void Refusals::log_rest(Log& log, Clock::time_point now) {
  std::uint64_t number = 0;
  std::string last;
  {
    const std::lock_guard lock(mutex_);
    if (rest_ == 0 || now - last_logged_ < kLogInterval) return;
    last_logged_ = now;
    number = std::exchange(rest_, 0);
    last = std::exchange(last_, {});
  }
  write(log, number, last);
}

void Refusals::write(Log& log, std::uint64_t number, std::string_view last) const {
  if (!log.wants(Level::kWarn)) return;
  Line line = log.line(Level::kWarn, event_);
  line.add("message", what_).add("count", number).add(about_, last);
  log.write(Level::kWarn, std::move(line));
}

}  // namespace ccproxy::telemetry
