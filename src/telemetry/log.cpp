#include "telemetry/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include "json/writer.hpp"

namespace ccproxy::telemetry {
namespace {

constexpr std::size_t kRotateAt = std::size_t{10} << 20;
constexpr std::size_t kKept = 3;
constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warn", "error"};

std::string timestamp(WallClock::time_point when) {
  using std::chrono::milliseconds;
  const auto whole = std::chrono::floor<std::chrono::seconds>(when);
  const auto part = std::chrono::duration_cast<milliseconds>(when - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03d}Z", fmt::gmtime(WallClock::to_time_t(whole)), part);
}

// logfmt has no rule for quotes; JSON's are what its readers take.
bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value)
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
      return true;
  return false;
}

spdlog::level::level_enum as_spdlog(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

class SpdLog final : public Log {
 public:
  SpdLog(spdlog::sink_ptr sink, const LogOptions& options)
      : logger_("ccproxy", std::move(sink)), format_(options.format) {
    logger_.set_pattern("%v");  // the line carries its own time and level
    logger_.set_level(as_spdlog(options.level));
    logger_.flush_on(spdlog::level::debug);
  }

  bool wants(Level level) const override { return logger_.should_log(as_spdlog(level)); }
  Line line(Level level, std::string_view event) const override {
    return {format_, WallClock::now(), level, event};
  }
  void write(Level level, Line line) override {
    const std::string text = std::move(line).take();
    logger_.log(as_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
  }

 private:
  spdlog::logger logger_;
  Format format_;
};

}  // namespace

Line::Line(Format format, WallClock::time_point when, Level level, std::string_view event)
    : format_(format) {
  if (format_ == Format::kJson) text_ += '{';
  add_bare("time", format_ == Format::kJson ? '"' + timestamp(when) + '"' : timestamp(when));
  add("level", kNames[static_cast<std::size_t>(level)]);
  add("event", event);
}

void Line::add_key(std::string_view key) {
  if (format_ == Format::kJson) {
    if (text_.size() > 1) text_ += ',';
    json::append_quoted(text_, key);
    text_ += ':';
  } else {
    if (!text_.empty()) text_ += ' ';
    text_ += key;
    text_ += '=';
  }
}

Line& Line::add(std::string_view key, std::string_view value) {
  add_key(key);
  if (format_ == Format::kJson || needs_quotes(value)) {
    json::append_quoted(text_, value);
  } else {
    text_ += value;
  }
  return *this;
}

Line& Line::add(std::string_view key, Clock::duration duration) {
  const auto tenths = std::chrono::duration_cast<std::chrono::microseconds>(duration).count() / 100;
  return add_bare(key, fmt::format("{}.{}", tenths / 10, tenths % 10));
}

Line& Line::add_bare(std::string_view key, std::string_view value) {
  add_key(key);
  text_ += value;
  return *this;
}

std::string Line::take() && {
  if (format_ == Format::kJson) text_ += '}';
  return std::move(text_);
}

Result<std::unique_ptr<Log>> Log::open(const LogOptions& options) {
  try {
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file, kRotateAt, kKept);
    }
    return std::make_unique<SpdLog>(std::move(sink), options);
  } catch (const spdlog::spdlog_ex& error) {
    return fail(ErrorKind::kIo, fmt::format("cannot write the log (log.file): {}", error.what()));
  }
}

}  // namespace ccproxy::telemetry
