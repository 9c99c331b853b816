#include "dialect/request/cache_control.hpp"

#include <algorithm>

namespace ccproxy::dialect {
namespace {

constexpr std::size_t kMax = 4;

// The breakpoints of a request in the order that upstream reads them: tools, system, messages.
struct Breakpoints {
  std::vector<CacheControl*> before_messages{}, in_messages{};

  static void collect(CacheControl& cache_control, std::vector<CacheControl*>& into) {
    if (cache_control != CacheControl::kNone) into.push_back(&cache_control);
  }
  [[nodiscard]] std::size_t count() const { return before_messages.size() + in_messages.size(); }
};

Breakpoints breakpoints_of(std::vector<Tool>& tools, std::vector<Block>& system, Turns& turns) {
  Breakpoints breakpoints;
  for (Tool& tool : tools) Breakpoints::collect(tool.cache_control, breakpoints.before_messages);
  for (Block& block : system)
    Breakpoints::collect(block.cache_control, breakpoints.before_messages);
  for (Turn& turn : turns.all())
    for (Block& block : turn.blocks) {
      for (Block& inner : block.content)
        Breakpoints::collect(inner.cache_control, breakpoints.in_messages);
      Breakpoints::collect(block.cache_control, breakpoints.in_messages);
    }
  return breakpoints;
}

void drop_front(std::vector<CacheControl*>& breakpoints, std::size_t kept) {
  if (breakpoints.size() <= kept) return;
  const auto end = breakpoints.end() - static_cast<std::ptrdiff_t>(kept);
  std::for_each(breakpoints.begin(), end,
                [](CacheControl* cache_control) { *cache_control = CacheControl::kNone; });
  breakpoints.erase(breakpoints.begin(), end);
}

// A breakpoint that lives longer may not follow one that lives shorter. True when one of the
// shorter kind was seen.
bool shorten_later(const std::vector<CacheControl*>& breakpoints, bool seen_short) {
  for (CacheControl* cache_control : breakpoints) {
    if (seen_short) *cache_control = CacheControl::kFiveMinutes;
    seen_short = *cache_control == CacheControl::kFiveMinutes;
  }
  return seen_short;
}

// Of a result, what it says last ends where it does; a block that goes up as the client wrote it
// may have marks inside.
CacheControl last_mark(const Turns& turns) {
  const Block& last = turns.all().back().blocks.back();
  const bool has_own = last.kind == Block::Kind::kVerbatim &&
                       last.text.find("\"cache_control\"") != std::string_view::npos;
  const CacheControl inside =
      last.content.empty() ? CacheControl::kNone : last.content.back().cache_control;
  return std::max(
      {last.cache_control, inside, has_own ? CacheControl::kFiveMinutes : CacheControl::kNone});
}

// How long the client wants the automatic breakpoint to live.
CacheControl wished_life(json::Value request) {
  const json::Value asked = request["cache_control"]["ttl"];
  const json::Value options = request["prompt_cache_options"]["ttl"];
  const std::string_view ttl = (asked.is_string() ? asked : options).text().escaped;
  const bool is_long =
      ttl == "12h" || ttl == "1h" ||
      (!asked.is_string() && request["prompt_cache_retention"].text().escaped == "24h");
  return is_long ? CacheControl::kOneHour : CacheControl::kFiveMinutes;
}

}  // namespace

CacheControl settle_cache_marks(json::Value request, AutomaticMark automatic,
                                std::vector<Tool>& tools, std::vector<Block>& system, Turns& turns,
                                Report& report) {
  Breakpoints breakpoints = breakpoints_of(tools, system, turns);
  if (breakpoints.count() > kMax) {
    drop_front(breakpoints.before_messages, 1);
    drop_front(breakpoints.in_messages, kMax - breakpoints.before_messages.size());
  }
  const bool seen_short =
      shorten_later(breakpoints.in_messages, shorten_later(breakpoints.before_messages, false));
  const bool is_asked_for = request["cache_control"].is_object();
  const bool is_explicit = request["prompt_cache_options"]["mode"].text().escaped == "explicit";
  const json::Value ttl = request["cache_control"]["ttl"];
  if (!ttl.is_absent() && ttl.text().escaped != "5m" && ttl.text().escaped != "1h")
    report.ignore("cache_control.ttl");
  if (!is_asked_for && (!automatic.is_wanted || is_explicit)) return CacheControl::kNone;
  // Another one beside it would be a second one in the same place, which upstream refuses where
  // they do not live as long.
  if (last_mark(turns) != CacheControl::kNone) return CacheControl::kNone;
  if (automatic.is_possible && breakpoints.count() < kMax)
    return seen_short ? CacheControl::kFiveMinutes : wished_life(request);
  if (is_asked_for) report.ignore("cache_control");
  return CacheControl::kNone;
}

}  // namespace ccproxy::dialect
