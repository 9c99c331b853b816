#include "dialect/cache_marks.hpp"

#include <algorithm>

namespace ccproxy::dialect {
namespace {

constexpr std::size_t kMost = 4;

// The breakpoints of a request in the order that upstream reads them: tools, system, messages.
struct Marks {
  std::vector<CacheMark*> before_messages{}, in_messages{};

  static void collect(CacheMark& mark, std::vector<CacheMark*>& into) {
    if (mark != CacheMark::kNone) into.push_back(&mark);
  }
  [[nodiscard]] std::size_t count() const { return before_messages.size() + in_messages.size(); }
};

Marks marks_of(std::vector<Tool>& tools, std::vector<Block>& system, Turns& turns) {
  Marks marks;
  for (Tool& tool : tools) Marks::collect(tool.mark, marks.before_messages);
  for (Block& block : system) Marks::collect(block.mark, marks.before_messages);
  for (Turn& turn : turns.all())
    for (Block& block : turn.blocks) {
      for (Block& inner : block.content) Marks::collect(inner.mark, marks.in_messages);
      Marks::collect(block.mark, marks.in_messages);
    }
  return marks;
}

void drop_front(std::vector<CacheMark*>& marks, std::size_t kept) {
  if (marks.size() <= kept) return;
  const auto end = marks.end() - static_cast<std::ptrdiff_t>(kept);
  std::for_each(marks.begin(), end, [](CacheMark* mark) { *mark = CacheMark::kNone; });
  marks.erase(marks.begin(), end);
}

// A breakpoint that lives longer may not follow one that lives shorter. True when one of the
// shorter kind was seen.
bool shorten_later(const std::vector<CacheMark*>& marks, bool seen_short) {
  for (CacheMark* mark : marks) {
    if (seen_short) *mark = CacheMark::kFiveMinutes;
    seen_short = *mark == CacheMark::kFiveMinutes;
  }
  return seen_short;
}

bool wants_an_hour(json::Value request) {
  const std::string_view ttl = request["prompt_cache_options"]["ttl"].text().escaped;
  return ttl == "12h" || ttl == "1h" || request["prompt_cache_retention"].text().escaped == "24h";
}

}  // namespace

CacheMark settle_cache_marks(json::Value request, bool adds_own, std::vector<Tool>& tools,
                             std::vector<Block>& system, Turns& turns) {
  Marks marks = marks_of(tools, system, turns);
  if (marks.count() > kMost) {
    drop_front(marks.before_messages, 1);
    drop_front(marks.in_messages, kMost - marks.before_messages.size());
  }
  const bool seen_short =
      shorten_later(marks.in_messages, shorten_later(marks.before_messages, false));
  const bool is_explicit = request["prompt_cache_options"]["mode"].text().escaped == "explicit";
  if (!adds_own || is_explicit || marks.count() >= kMost) return CacheMark::kNone;
  return wants_an_hour(request) && !seen_short ? CacheMark::kOneHour : CacheMark::kFiveMinutes;
}

}  // namespace ccproxy::dialect
