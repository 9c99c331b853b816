// The thread that writes the log, and the queue before it: whoever logs never waits for a reader, a
// terminal that was stopped or a disk. Safe from every thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "telemetry/log_file.hpp"

namespace ccproxy::telemetry {

class LogWriter {
 public:
  // `left_out` makes the line that says how many lines did not fit, from their number; `failed` the
  // one that says why the file could not be opened again.
  struct Notices {
    std::function<std::string(std::uint64_t)> left_out;
    std::function<std::string(const std::string&)> failed;
  };

  LogWriter(LogFile file, Notices notices);
  // Waits for what is queued, but not longer than kLastWait: a log that nobody reads holds nobody
  // up.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  LogWriter(LogWriter&&) = delete;
  LogWriter& operator=(LogWriter&&) = delete;

  // Hands a line over. One that does not fit the queue is counted, and the number is logged as soon
  // as there is room; so is one that there is no memory for.
  void write(std::string line);
  // One that could not even be made.
  void leave_one_out();
  // Opens the file again, by the thread, before the next line.
  void reopen();

 private:
  static constexpr std::chrono::milliseconds kLastWait{1000};
  struct State;
  std::shared_ptr<State> state_;  // with the thread, which may outlive this
};

}  // namespace ccproxy::telemetry
