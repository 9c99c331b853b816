// What is refused at the door, counted: whoever knocks a thousand times a second gets one line of
// the log each second, not a thousand. Safe from every thread.
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
  // `event` and `what` are those of the line that tells the count; `about` is what it calls what is
  // told of the last one.
  Refusals(std::string_view event, std::string_view what, std::string_view about = "peer")
      : event_(event), what_(what), about_(about) {}

  // Counts one. True when it may have a line of its own: the first for a second. The others are
  // told by tell_rest().
  [[nodiscard]] bool count(std::string_view last, Clock::time_point now);
  // The same, and writes that line.
  void tell(Log& log, std::string_view last, Clock::time_point now);
  // Once a second: one line for those that had none, with what is known of the last.
  void tell_rest(Log& log, Clock::time_point now);

 private:
  void write(Log& log, std::uint64_t number, std::string_view last) const;

  std::string_view event_, what_, about_;
  std::mutex mutex_;
  Clock::time_point told_{};
  std::uint64_t rest_ = 0;
  std::string last_;
};

}  // namespace ccproxy::telemetry
