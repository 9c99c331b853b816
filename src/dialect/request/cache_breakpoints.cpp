#include "dialect/request/cache_breakpoints.hpp"

#include <algorithm>

namespace ccproxy::dialect {
namespace {

constexpr std::size_t kMaxBreakpoints = 4;

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

void drop_front(std::vector<CacheControl*>& breakpoints, std::size_t count) {
  if (breakpoints.size() <= count) return;
  const auto end = breakpoints.end() - static_cast<std::ptrdiff_t>(count);
  std::for_each(breakpoints.begin(), end,
                [](CacheControl* cache_control) { *cache_control = CacheControl::kNone; });
  breakpoints.erase(breakpoints.begin(), end);
}

// Shortens breakpoints that live longer than one before them, which upstream refuses. Returns
// whether a short one was seen.
bool shorten_later(const std::vector<CacheControl*>& breakpoints, bool seen_short) {
  for (CacheControl* cache_control : breakpoints) {
    if (seen_short) *cache_control = CacheControl::kFiveMinutes;
    seen_short = *cache_control == CacheControl::kFiveMinutes;
  }
  return seen_short;
}

// The breakpoint of the last block. The last block in a result ends where the result does, and a
// block that goes up as the client wrote it may have breakpoints inside.
CacheControl last_breakpoint(const Turns& turns) {
  const Block& last = turns.all().back().blocks.back();
  const bool has_own = last.kind == Block::Kind::kVerbatim &&
                       last.text.find("\"cache_control\"") != std::string_view::npos;
  const CacheControl inside =
      last.content.empty() ? CacheControl::kNone : last.content.back().cache_control;
  return std::max(
      {last.cache_control, inside, has_own ? CacheControl::kFiveMinutes : CacheControl::kNone});
}

// How long the automatic breakpoint is to live.
CacheControl requested_lifetime(json::Value request) {
  const json::Value own = request["cache_control"]["ttl"];
  const json::Value options = request["prompt_cache_options"]["ttl"];
  const std::string_view ttl = (own.is_string() ? own : options).text().escaped;
  const bool is_long =
      ttl == "12h" || ttl == "1h" ||
      (!own.is_string() && request["prompt_cache_retention"].text().escaped == "24h");
  return is_long ? CacheControl::kOneHour : CacheControl::kFiveMinutes;
}

}  // namespace

CacheControl settle_cache_breakpoints(json::Value request, AutomaticBreakpoint automatic,
                                      std::vector<Tool>& tools, std::vector<Block>& system,
                                      Turns& turns, Report& report) {
  Breakpoints breakpoints = breakpoints_of(tools, system, turns);
  if (breakpoints.count() > kMaxBreakpoints) {
    drop_front(breakpoints.before_messages, 1);
    drop_front(breakpoints.in_messages, kMaxBreakpoints - breakpoints.before_messages.size());
  }
  const bool seen_short =
      shorten_later(breakpoints.in_messages, shorten_later(breakpoints.before_messages, false));
  const bool is_requested = request["cache_control"].is_object();
  const bool is_explicit = request["prompt_cache_options"]["mode"].text().escaped == "explicit";
  const json::Value ttl = request["cache_control"]["ttl"];
  if (!ttl.is_absent() && ttl.text().escaped != "5m" && ttl.text().escaped != "1h")
    report.ignore("cache_control.ttl");
  if (!is_requested && (!automatic.is_wanted || is_explicit)) return CacheControl::kNone;
  // It would be a second breakpoint in the same place, which upstream refuses where their lifetimes
  // differ.
  if (last_breakpoint(turns) != CacheControl::kNone) return CacheControl::kNone;
  if (automatic.is_possible && breakpoints.count() < kMaxBreakpoints)
    return seen_short ? CacheControl::kFiveMinutes : requested_lifetime(request);
  if (is_requested) report.ignore("cache_control");
  return CacheControl::kNone;
}

}  // namespace ccproxy::dialect
