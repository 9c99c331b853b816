// Structured log lines: an event and its fields, as logfmt for a person at a terminal or as JSON
// for a machine. Safe from every thread. It refuses to know who logs; that nothing secret is passed
// in is the caller's care.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace ccproxy::telemetry {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kLogfmt, kJson };

struct LogOptions {
  Level level = Level::kInfo;
  Format format = Format::kLogfmt;
  std::string file{};  // rotated at 10 MiB, three kept; empty: standard error
};

// One line under construction. Fields stand in the order they were added.
class Line {
 public:
  Line(Format format, WallClock::time_point when, Level level, std::string_view event);

  Line& add(std::string_view key, std::string_view value);
  Line& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  Line& add(std::string_view key, std::integral auto number) {
    return add_bare(key, std::to_string(number));
  }
  // Milliseconds with one digit behind the point.
  Line& add(std::string_view key, Clock::duration duration);

  // The finished line, without a line end.
  [[nodiscard]] std::string take() &&;

 private:
  Line& add_bare(std::string_view key, std::string_view value);
  void add_key(std::string_view key);

  Format format_;
  std::string text_;
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

  // One event with a sentence for a person.
  void say(Level level, std::string_view event, std::string_view message) {
    if (!wants(level)) return;
    Line text = line(level, event);
    text.add("message", message);
    write(level, std::move(text));
  }
};

}  // namespace ccproxy::telemetry
