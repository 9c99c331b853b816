// One line of the log under construction: an event and its fields. For a machine it holds all
// fields as JSON or logfmt, for a person at a terminal what matters (terminal_line.hpp). Text from
// outside is cut and escaped here, whoever passes it in.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace ccproxy::telemetry {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kText, kLogfmt, kJson };

// How a line for a person looks.
struct LineStyle {
  bool colours = false;
  std::size_t columns = 80;
};

// The fields keep the order in which they were added.
class Line {
 public:
  Line(Format format, WallClock::time_point when, Level level, std::string_view event,
       LineStyle style = {});

  Line& add(std::string_view key, std::string_view value);
  Line& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  Line& add(std::string_view key, std::integral auto number) {
    return add_bare(key, std::to_string(number));
  }
  // Adds milliseconds with one decimal.
  Line& add(std::string_view key, Clock::duration duration);

  // Returns the finished line without a line end; for a person, lines of warnings may follow in it.
  [[nodiscard]] std::string take() &&;

 private:
  Line& add_bare(std::string_view key, std::string_view value);
  void add_key(std::string_view key);

  Format format_;
  LineStyle style_;
  WallClock::time_point when_;
  Level level_;
  std::string text_;
  std::vector<std::pair<std::string_view, std::string>>
      fields_;  // for kText only; the keys are string literals
};

}  // namespace ccproxy::telemetry
