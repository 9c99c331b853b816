// The log: lines of events and their fields, written by a thread of their own. Safe from every
// thread. It refuses to know who logs; callers must pass nothing secret in.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "telemetry/line.hpp"
#include "telemetry/log_file.hpp"

namespace ccproxy::telemetry {

struct LogOptions {
  Level level = Level::kInfo;
  Format format = Format::kLogfmt;
  std::string file{};   // empty: standard error
  FileLimits limits{};  // of the file
  bool colours = false;
};

class Log {
 public:
  // Fails with kIo when the file cannot be opened.
  [[nodiscard]] static Result<std::unique_ptr<Log>> open(const LogOptions& options);

  Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  Log(Log&&) = delete;
  Log& operator=(Log&&) = delete;
  virtual ~Log() = default;

  [[nodiscard]] virtual bool wants(Level level) const = 0;
  virtual void set_level(Level level) = 0;
  [[nodiscard]] virtual Line line(Level level, std::string_view event) const = 0;
  virtual void write(Level level, Line line) = 0;
  // Opens the file again, after another program has moved it away.
  virtual void reopen() {}

  // Counts a line that could not be written for lack of memory.
  virtual void count_lost_line() {}

  // Logs one event with a sentence for a person. Throws nothing, not even for lack of memory.
  void write_message(Level level, std::string_view event, std::string_view message) noexcept {
    if (!wants(level)) return;
    try {
      Line text = line(level, event);
      text.add("message", message);
      write(level, std::move(text));
    } catch (const std::exception&) {
      count_lost_line();
    }
  }
};

}  // namespace ccproxy::telemetry
