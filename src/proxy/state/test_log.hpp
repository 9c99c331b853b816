// For tests: a log that keeps its lines in memory. Only tests include this.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/log.hpp"

namespace ccproxy::proxy {

class TestLog final : public telemetry::Log {
 public:
  [[nodiscard]] bool wants(telemetry::Level) const override { return true; }
  void set_level(telemetry::Level) override {}
  [[nodiscard]] telemetry::Line line(telemetry::Level level,
                                     std::string_view event) const override {
    return {telemetry::Format::kLogfmt, WallClock::now(), level, event};
  }
  void write(telemetry::Level, telemetry::Line line) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line).take());
  }

  // How many lines have `text` in them.
  [[nodiscard]] std::size_t count(std::string_view text) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        lines_.begin(), lines_.end(),
        [&](const std::string& line) { return line.find(text) != std::string::npos; }));
  }
  // All lines, each with its end.
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const std::string& line : lines_) all += line + "\n";
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace ccproxy::proxy
