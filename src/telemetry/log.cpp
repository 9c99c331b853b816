#include "telemetry/log.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <utility>

#include "telemetry/log_writer.hpp"

namespace ccproxy::telemetry {
namespace {

// The terminal may be resized at any time, and reading its width costs less than the line.
std::size_t columns_of_terminal() {
  constexpr std::size_t kDefault = 80, kMinimum = 40;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefault;
  return size.ws_col < kMinimum ? kMinimum : size.ws_col;
}

Line make_line(Format format, bool colours, Level level, std::string_view event) {
  const LineStyle style =
      format == Format::kText ? LineStyle{colours, columns_of_terminal()} : LineStyle{};
  return {format, WallClock::now(), level, event, style};
}

LogWriter::Notices notices_of(Format format, bool colours) {
  const auto sentence = [=](Level level, const std::string& message) {
    Line line = make_line(format, colours, level, "log");
    line.add("message", message);
    return std::move(line).take();
  };
  return {[=](std::uint64_t count) {
            return sentence(Level::kWarn,
                            fmt::format("{} lines were left out: they came faster than the log "
                                        "could be written",
                                        count));
          },
          [=](const std::string& why) { return sentence(Level::kError, why); }};
}

class QueuedLog final : public Log {
 public:
  QueuedLog(LogFile file, const LogOptions& options)
      : format_(options.format),
        colours_(options.colours),
        level_(options.level),
        writer_(std::move(file), notices_of(options.format, options.colours)) {}

  bool wants(Level level) const override { return level >= level_.load(std::memory_order_relaxed); }
  void set_level(Level level) override { level_ = level; }
  Line line(Level level, std::string_view event) const override {
    return make_line(format_, colours_, level, event);
  }
  void write(Level level, Line line) override {
    if (wants(level)) writer_.write(std::move(line).take());
  }
  void count_lost_line() override { writer_.count_lost_line(); }
  void reopen() override { writer_.reopen(); }

 private:
  Format format_;
  bool colours_;
  std::atomic<Level> level_;
  LogWriter writer_;
};

}  // namespace

Result<std::unique_ptr<Log>> Log::open(const LogOptions& options) {
  auto file = LogFile::open(options.file, options.limits);
  if (!file) return fail(file.error());
  return std::make_unique<QueuedLog>(std::move(*file), options);
}

}  // namespace ccproxy::telemetry
