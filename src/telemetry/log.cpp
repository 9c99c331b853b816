#include "telemetry/log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <chrono>
#include <utility>

#include "json/writer.hpp"

namespace ccproxy::telemetry {
namespace {

constexpr std::size_t kRotateAt = std::size_t{10} << 20;
constexpr std::size_t kKept = 3;
constexpr std::size_t kUsualLine = 512;
constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warn", "error"};

// `number` with leading zeros. By hand: a line is written for every request, and formatting its
// time with a library was a tenth of what the whole request costs.
void append_digits(std::string& out, long number, int width) {
  char digits[8];
  for (int i = width; i > 0; number /= 10) digits[--i] = static_cast<char>('0' + number % 10);
  out.append(digits, static_cast<std::size_t>(width));
}

// RFC 3339 in UTC, to the millisecond.
std::string timestamp(WallClock::time_point when) {
  using namespace std::chrono;
  const auto day = floor<days>(when);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> time(floor<milliseconds>(when - day));
  std::string text;
  append_digits(text, static_cast<int>(date.year()), 4);
  append_digits(text += '-', static_cast<long>(static_cast<unsigned>(date.month())), 2);
  append_digits(text += '-', static_cast<long>(static_cast<unsigned>(date.day())), 2);
  append_digits(text += 'T', time.hours().count(), 2);
  append_digits(text += ':', time.minutes().count(), 2);
  append_digits(text += ':', time.seconds().count(), 2);
  append_digits(text += '.', time.subseconds().count(), 3);
  return text += 'Z';
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
  void set_level(Level level) override { logger_.set_level(as_spdlog(level)); }
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
  text_.reserve(kUsualLine);
  if (format_ == Format::kJson) text_ += '{';
  add_bare("time", format_ == Format::kJson ? '"' + timestamp(when) + '"' : timestamp(when));
  add("level", kNames[static_cast<std::size_t>(level)]);
  add("event", event);
}

void Line::add_key(std::string_view key) {
  if (format_ == Format::kJson) {
    if (text_.size() > 1) text_ += ',';
    text_ += '"';
    text_ += key;  // our own words: nothing in them needs an escape
    text_ += "\":";
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
  std::string text = std::to_string(tenths / 10);
  return add_bare(key, text.append(".").append(std::to_string(tenths % 10)));
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
