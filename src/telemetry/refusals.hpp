// Counts refusals, so that a client that is refused a thousand times a second takes one line of the
// log each second. Safe from every thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::telemetry {

class Refusals {
 public:
  // `event` and `what` begin the line with the count; `about` is the field for what is known of the
  // last refusal.
  Refusals(std::string_view event, std::string_view what, std::string_view about = "peer")
      : event_(event), what_(what), about_(about) {}

  // Counts a refusal. Returns true when it may have a line of its own: it is the first in a second.
  // The others are logged by log_rest().
  [[nodiscard]] bool count(std::string_view last, Clock::time_point now);
  // Counts a refusal and writes that line.
  void log_refusal(Log& log, std::string_view last, Clock::time_point now);
  // To be called once a second: logs the refusals that had no line, with what is known of the last.
  void log_rest(Log& log, Clock::time_point now);

 private:
  void write(Log& log, std::uint64_t number, std::string_view last) const;

  std::string_view event_, what_, about_;
  std::mutex mutex_;
  Clock::time_point last_logged_{};
  std::uint64_t rest_ = 0;
  std::string last_;
};

}  // namespace ccproxy::telemetry
