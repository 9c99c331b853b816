#include "dialect/request/cache_control.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "json/text.hpp"

namespace ccproxy::dialect {

using json::Value;

CacheControl cache_control_of(Value holder) {
  Value control, breakpoint;
  for (const Value member : holder.children()) {
    if (member.is_named("cache_control")) control = member;
    if (member.is_named("prompt_cache_breakpoint")) breakpoint = member;
  }
  return cache_control_of(control, breakpoint);
}

CacheControl cache_control_of(Value control, Value breakpoint) {
  if (control.is_object())
    return control["ttl"].text().escaped == "1h" ? CacheControl::kOneHour
                                                 : CacheControl::kFiveMinutes;
  if (!breakpoint.is_object()) return CacheControl::kNone;
  const std::string_view ttl = breakpoint["ttl"].text().escaped;
  return ttl == "12h" || ttl == "1h" ? CacheControl::kOneHour : CacheControl::kFiveMinutes;
}

std::string_view without_cache_control(Value object, RequestArena& arena) {
  const auto is_breakpoint = [](Value member) {
    return member.is_named("cache_control") || member.is_named("prompt_cache_breakpoint");
  };
  const Value::Range members = object.children();
  if (std::none_of(members.begin(), members.end(), is_breakpoint)) return object.raw();
  std::string rest = "{";
  for (const Value member : members) {
    if (is_breakpoint(member)) continue;
    if (rest.size() > 1) rest += ',';
    rest += '"';
    json::append_escaped(rest, member.name());
    rest.append("\":").append(member.raw());
  }
  rest += '}';
  return arena.store(std::move(rest));
}

}  // namespace ccproxy::dialect
