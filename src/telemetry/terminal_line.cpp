#include "telemetry/terminal_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

#include "base/text.hpp"

namespace ccproxy::telemetry {
namespace {

// The escape sequences of the colours, by meaning.
constexpr std::string_view kPlain = "";
constexpr std::string_view kQuiet = "\x1b[2m";
constexpr std::string_view kGood = "\x1b[32m";
constexpr std::string_view kWarn = "\x1b[33m";
constexpr std::string_view kBad = "\x1b[31m";
constexpr std::string_view kReset = "\x1b[0m";

constexpr std::string_view kMargin = "         ";  // as wide as the time
constexpr std::size_t kWide = 100;                 // columns from which on fields are aligned
constexpr std::size_t kShortestModel = 8;
constexpr std::string_view kCut = "...";

class Page {
 public:
  Page(const LineFields& fields, LineStyle style) : fields_(fields), style_(style) {}

  [[nodiscard]] std::string_view field(std::string_view key) const {
    for (const auto& [name, value] : fields_)
      if (name == key) return value;
    return {};
  }
  [[nodiscard]] bool is_wide() const { return style_.columns >= kWide; }
  [[nodiscard]] std::size_t columns() const { return style_.columns; }
  [[nodiscard]] const LineFields& fields() const { return fields_; }

  [[nodiscard]] std::string painted(std::string_view text, std::string_view colour) const {
    if (!style_.colours || colour.empty()) return std::string(text);
    return fmt::format("{}{}{}", colour, text, kReset);
  }

 private:
  const LineFields& fields_;
  LineStyle style_;
};

std::string clock_of(WallClock::time_point when) {
  const std::time_t seconds = WallClock::to_time_t(when);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

// Formats a number in four or five characters: 999, 12.3k, 4.56M.
std::string compact(std::uint64_t number) {
  if (number < 10'000) return std::to_string(number);
  const double value = static_cast<double>(number);
  if (number < 999'500) return fmt::format("{:.3g}k", value / 1e3);
  return fmt::format("{:.3g}M", value / 1e6);
}

// Formats "26 in 30 out"; all tokens that were read count as in. Returns "" when nothing is known.
std::string tokens_of(const Page& page) {
  std::uint64_t in = 0;
  for (const char* key : {"input_tokens", "cached_tokens", "cache_write_tokens"})
    in += parse_decimal(page.field(key)).value_or(0);
  const auto out = parse_decimal(page.field("output_tokens"));
  if (page.field("input_tokens").empty() && !out) return {};
  return out ? fmt::format("{} in {} out", compact(in), compact(*out))
             : fmt::format("{} in", compact(in));
}

std::string time_of(std::string_view milliseconds) {
  const double ms = std::strtod(std::string(milliseconds).c_str(), nullptr);
  if (ms < 999.5) return fmt::format("{:.0f} ms", ms);
  const double seconds = ms / 1000;
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(seconds);
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string_view colour_of_status(std::string_view status) {
  if (status.starts_with('2') || status.starts_with('1') || status.starts_with('3')) return kGood;
  return status.starts_with('4') ? kWarn : kBad;
}

std::size_t width_of(std::string_view text) {  // in characters, not bytes
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

// Returns the first characters of a text that is too long, with dots.
std::string fitted(std::string_view text, std::size_t most) {
  if (width_of(text) <= most) return std::string(text);
  std::string cut;
  std::size_t left = most - std::min(most, kCut.size());
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    if (begins && left-- == 0) break;
    cut += c;
  }
  return cut.append(kCut);
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t has = width_of(text);
  if (has < width) text.append(width - has, ' ');
  return text;
}

// Formats the requested model and the one that was sent, as far as there is room.
std::string model_of(const Page& page, std::size_t room) {
  const std::string_view requested = page.field("model"), sent = page.field("model_sent");
  if (requested.empty() && sent.empty()) return {};
  std::string both =
      sent.empty() ? std::string(requested) : fmt::format("{} > {}", requested, sent);
  if (width_of(both) <= room) return both;
  return fitted(sent.empty() ? requested : sent, std::max(room, kShortestModel));
}

std::string request_line(const Page& page, const std::string& clock) {
  const bool wide = page.is_wide();
  const std::string status(page.field("status") == "0" ? "---" : page.field("status"));
  const std::string tokens = tokens_of(page), time = time_of(page.field("duration_ms"));
  std::string head = fmt::format("{} ", page.field("method"));
  if (wide) head = padded(std::move(head), 7);
  const std::string route =
      page.field("route").empty() ? "(no route)" : std::string(page.field("route"));
  head += wide ? padded(route, 22) : route;

  std::size_t used = clock.size() + 1 + head.size() + 1 + status.size() + 1 + time.size();
  if (!tokens.empty()) used += tokens.size() + 1;
  const std::size_t room = page.columns() > used + 1 ? page.columns() - used - 1 : 0;
  std::string model = model_of(page, room);
  if (wide && !model.empty()) model = padded(std::move(model), std::min<std::size_t>(room, 36));

  std::string line = page.painted(clock, kQuiet) + " " + head;
  if (!model.empty()) line += " " + model;
  line += " " + page.painted(status, colour_of_status(status));
  if (!tokens.empty()) line += " " + tokens;
  return line + " " + page.painted(time, kQuiet);
}

// Adds the warnings and other facts for a person, each on a line of its own.
std::string request_notes(const Page& page) {
  std::string notes;
  const auto note = [&](std::string_view what, std::string_view text, std::string_view colour) {
    notes += fmt::format(
        "\n{}{}", kMargin,
        page.painted(fmt::format("{}{}{}", what, what.empty() ? "" : ": ", text), colour));
  };
  const std::string_view ended = page.field("ended"), detail = page.field("detail");
  const std::string_view warning = page.field("warning");
  const bool is_good = ended == "complete";
  if (!is_good)
    note(ended, detail.empty() ? "the request" : detail, ended == "client_gone" ? kQuiet : kWarn);
  if (!warning.empty())
    note("warning", is_good && !detail.empty() ? fmt::format("{}: {}", warning, detail) : warning,
         kWarn);
  if (!page.field("credential").empty()) note("credential", page.field("credential"), kWarn);
  if (!page.field("ignored").empty()) note("ignored", page.field("ignored"), kQuiet);
  if (!page.field("peer").empty()) note("from", page.field("peer"), kQuiet);
  return notes;
}

// Formats any other event: its sentence, and its other fields.
std::string sentence(const Page& page, Level level, const std::string& clock) {
  constexpr std::array<std::string_view, 4> kWords = {"debug: ", "", "warning: ", "error: "};
  constexpr std::array<std::string_view, 4> kColours = {kQuiet, kPlain, kWarn, kBad};
  const auto at = static_cast<std::size_t>(level);
  std::string text(kWords[at]);
  text += page.field("event");
  for (const auto& [key, value] : page.fields()) {
    if (key == "event") continue;
    text += key == "message" ? ": " + value : fmt::format(" {}={}", key, value);
  }
  return page.painted(clock, kQuiet) + " " + page.painted(text, kColours[at]);
}

}  // namespace

std::string terminal_line(WallClock::time_point when, Level level, const LineFields& fields,
                          LineStyle style) {
  const Page page(fields, style);
  const std::string clock = clock_of(when);
  if (page.field("event") != "request") return sentence(page, level, clock);
  return request_line(page, clock) + request_notes(page);
}

}  // namespace ccproxy::telemetry
