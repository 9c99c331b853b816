// The thread that writes the log, and the queue before it, so that a caller never waits for a
// reader, a stopped terminal or a disk. Safe from every thread.
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
  // `left_out` returns the line that reports how many lines did not fit; `failed` the one that
  // reports why the file could not be opened again.
  struct Notices {
    std::function<std::string(std::uint64_t)> left_out;
    std::function<std::string(const std::string&)> failed;
  };

  LogWriter(LogFile file, Notices notices);
  // Waits until the queue is written, but at most kLastWait: a log that nobody reads must not delay
  // the end of the program.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  LogWriter(LogWriter&&) = delete;
  LogWriter& operator=(LogWriter&&) = delete;

  // Queues a line. A line that does not fit in the queue, or in memory, is counted, and the number
  // is logged as soon as there is room.
  void write(std::string line);
  // Counts a line that its caller could not even build.
  void count_lost_line();
  // Lets the thread open the file again before the next line.
  void reopen();

 private:
  static constexpr std::chrono::milliseconds kLastWait{1000};
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread, which may outlive this object
};

}  // namespace ccproxy::telemetry
