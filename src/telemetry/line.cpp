#include "telemetry/line.hpp"

#include <array>
#include <chrono>

#include "telemetry/outside_text.hpp"
#include "telemetry/terminal_line.hpp"

namespace ccproxy::telemetry {
namespace {

constexpr std::size_t kDefaultLine = 512;
constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warn", "error"};

// Appends `number` with leading zeros. It is done by hand, since formatting the time of each line
// with a library took a tenth of what the whole request costs.
void append_digits(std::string& out, long number, int width) {
  char digits[8];
  for (int i = width; i > 0; number /= 10) digits[--i] = static_cast<char>('0' + number % 10);
  out.append(digits, static_cast<std::size_t>(width));
}

// Appends the time as of RFC 3339 in UTC, with milliseconds.
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

// logfmt has no rule for quotes; its readers take those of JSON.
bool needs_quotes(std::string_view value) {
  return value.empty() || !is_plain(value) || value.find_first_of(" =") != std::string_view::npos;
}

// A path may be longer than a name; sentences and lists of ours may be long, but not what they
// quote.
Bound bound_of(std::string_view key) {
  constexpr std::size_t kWord = 128, kPath = 256, kSentence = 1024;
  if (key == "route") return {kPath, kPath};
  if (key == "detail") return {kPath, kWord};
  if (key == "message" || key == "names" || key == "ignored" || key == "warning")
    return {kSentence, kWord};
  return {};
}

}  // namespace

Line::Line(Format format, WallClock::time_point when, Level level, std::string_view event,
           LineStyle style)
    : format_(format), style_(style), when_(when), level_(level) {
  if (format_ != Format::kText) {
    text_.reserve(kDefaultLine);
    if (format_ == Format::kJson) text_ += '{';
    add_bare("time", format_ == Format::kJson ? '"' + timestamp(when) + '"' : timestamp(when));
    add("level", kNames[static_cast<std::size_t>(level)]);
  }
  add("event", event);
}

void Line::add_key(std::string_view key) {
  if (format_ == Format::kJson) {
    if (text_.size() > 1) text_ += ',';
    text_ += '"';
    text_ += key;  // a literal of ours that needs no escape
    text_ += "\":";
  } else {
    if (!text_.empty()) text_ += ' ';
    text_ += key;
    text_ += '=';
  }
}

Line& Line::add(std::string_view key, std::string_view value) {
  if (format_ == Format::kText) {
    fields_.emplace_back(key, std::string());
    append_shown(fields_.back().second, value, bound_of(key), false);
    return *this;
  }
  add_key(key);
  const bool quoted = format_ == Format::kJson || needs_quotes(value);
  if (quoted) text_ += '"';
  append_shown(text_, value, bound_of(key), quoted);
  if (quoted) text_ += '"';
  return *this;
}

Line& Line::add(std::string_view key, Clock::duration duration) {
  const auto tenths = std::chrono::duration_cast<std::chrono::microseconds>(duration).count() / 100;
  std::string text = std::to_string(tenths / 10);
  return add_bare(key, text.append(".").append(std::to_string(tenths % 10)));
}

Line& Line::add_bare(std::string_view key, std::string_view value) {
  if (format_ == Format::kText) {
    fields_.emplace_back(key, value);
    return *this;
  }
  add_key(key);
  text_ += value;
  return *this;
}

std::string Line::take() && {
  if (format_ == Format::kText) return terminal_line(when_, level_, fields_, style_);
  if (format_ == Format::kJson) text_ += '}';
  return std::move(text_);
}

}  // namespace ccproxy::telemetry
