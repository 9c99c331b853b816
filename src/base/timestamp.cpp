#include "base/timestamp.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace ccproxy {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Takes exactly `size` digits from the front of `rest`, and the character `next` that must follow
// them, unless it is '\0'.
std::optional<int> take_number(std::string_view& rest, std::size_t size, char next = '\0') {
  if (rest.size() < size + (next != '\0' ? 1 : 0)) return std::nullopt;
  const auto number = parse_decimal(rest.substr(0, size));
  if (!number || (next != '\0' && rest[size] != next)) return std::nullopt;
  rest.remove_prefix(size + (next != '\0' ? 1 : 0));
  return static_cast<int>(*number);
}

// Takes the fraction of a second, if there is one, and rounds it down to milliseconds.
milliseconds take_fraction(std::string_view& rest) {
  if (!rest.starts_with('.')) return milliseconds(0);
  rest.remove_prefix(1);
  int thousandths = 0;
  for (int scale = 100; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; scale /= 10) {
    thousandths += (rest[0] - '0') * scale;
    rest.remove_prefix(1);
  }
  return milliseconds(thousandths);
}

std::optional<minutes> take_offset(std::string_view rest) {
  if (rest == "Z" || rest == "z") return minutes(0);
  if (rest.empty() || (rest[0] != '+' && rest[0] != '-')) return std::nullopt;
  const int sign = rest[0] == '-' ? -1 : 1;
  rest.remove_prefix(1);
  const auto hour = take_number(rest, 2, ':');
  const auto minute = hour ? take_number(rest, 2) : std::nullopt;
  if (!minute || !rest.empty()) return std::nullopt;
  return minutes(sign * (*hour * 60 + *minute));
}

std::optional<milliseconds> time_of_day(std::string_view rest) {
  const auto hour = take_number(rest, 2, ':');
  const auto minute = hour ? take_number(rest, 2, ':') : std::nullopt;
  const auto second = minute ? take_number(rest, 2) : std::nullopt;
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const milliseconds fraction = take_fraction(rest);
  const auto offset = take_offset(rest);
  if (!offset) return std::nullopt;
  return hours(*hour) + minutes(*minute) + seconds(*second) + fraction - *offset;
}

}  // namespace

std::optional<Instant> instant_of(std::string_view rfc3339) {
  const auto year = take_number(rfc3339, 4, '-');
  const auto month = year ? take_number(rfc3339, 2, '-') : std::nullopt;
  const auto day = month ? take_number(rfc3339, 2) : std::nullopt;
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const Instant midnight = std::chrono::sys_days(date);
  if (rfc3339.empty()) return midnight;
  if (rfc3339[0] != 'T' && rfc3339[0] != 't' && rfc3339[0] != ' ') return std::nullopt;
  const auto time = time_of_day(rfc3339.substr(1));
  if (!time) return std::nullopt;
  return midnight + *time;
}

std::string duration_text(milliseconds duration) {
  const auto all = duration.count();
  if (all <= 0) return "0s";
  if (all < 1000) return fmt::format("{}ms", all);
  std::string text;
  if (all >= 3'600'000) text += fmt::format("{}h", all / 3'600'000);
  if (all >= 60'000) text += fmt::format("{}m", all / 60'000 % 60);
  const auto in_minute = all % 60'000;
  if (in_minute % 1000 == 0) return text + fmt::format("{}s", in_minute / 1000);
  return text + fmt::format("{}s", static_cast<double>(in_minute) / 1000);
}

}  // namespace ccproxy
