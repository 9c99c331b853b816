#include "dialect/request/content.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dialect/request/server_blocks.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::JsonText;
using json::Value;

bool is_anthropic_file(std::string_view type) {
  return type == "image" || type == "document" || type == "search_result";
}

}  // namespace

std::string ParamPath::param(std::string_view inside) const {
  if (part < 0) return fmt::format("{}[{}].{}{}", list, message, content, inside);
  return fmt::format("{}[{}].{}[{}]{}", list, message, content, part, inside);
}

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
  const auto breakpoints = [](Value member) {
    return member.is_named("cache_control") || member.is_named("prompt_cache_breakpoint");
  };
  const Value::Range members = object.children();
  if (std::none_of(members.begin(), members.end(), breakpoints)) return object.raw();
  std::string rest = "{";
  for (const Value member : members) {
    if (breakpoints(member)) continue;
    if (rest.size() > 1) rest += ',';
    rest += '"';
    json::append_escaped(rest, member.name());
    rest.append("\":").append(member.raw());
  }
  rest += '}';
  return arena.keep(std::move(rest));
}

void Content::add_text(JsonText text, CacheControl cache_control, std::vector<Block>& out) {
  if (json::is_blank(text)) return;
  out.push_back({.kind = Block::Kind::kText, .cache_control = cache_control, .text = text.escaped});
}

void Content::read_part(Value part, ParamPath place, bool allows_files, std::vector<Block>& out) {
  if (part.is_string()) return add_text(part.text(), CacheControl::kNone, out);
  if (!part.is_object()) return report_.refuse_type(place.param(), "an object");
  const std::string_view type = part["type"].text().escaped;
  const CacheControl cache_control = cache_control_of(part);
  const bool is_text = type == "text" || type == "input_text" || type == "output_text" ||
                       (type.empty() && !part["text"].is_absent());
  if (is_text) {
    const Value text = part["text"];
    if (text.is_absent()) return;
    if (!text.is_string()) return report_.refuse_type(place.param(".text"), "a string");
    // They name documents by their number in the request that they were an answer to.
    if (const Value cited = part["citations"]; !cited.is_absent() && !cited.children().empty())
      report_.ignore_of_reply(place.param(".citations"));
    return add_text(text.text(), cache_control, out);
  }
  if (type == "image_url" || type == "input_image") {
    if (allows_files) return read_image(part, place, cache_control, out);
    return report_.refuse(place.param(".image_url"), "unsupported_content",
                          "Images can only stand in messages of the user or a tool.");
  }
  if (allows_files && (type == "file" || type == "input_file"))
    return read_file(part, place, cache_control, out);
  if (allows_files && is_anthropic_file(type)) {
    const Value source = part["source"];
    if (source.is_object() || source.is_string())
      return read_source(part, place, cache_control, out);
  }
  if (is_server_block(type)) {
    out.push_back(server_block(part, cache_control, arena_));
    out.back().message = static_cast<std::uint32_t>(place.message);
    return;
  }
  report_.refuse(place.param(), "unsupported_content",
                 type == "input_audio" ? "Audio is not supported by Claude."
                                       : fmt::format("Content of type '{}' is not supported here.",
                                                     type.substr(0, 64)));
}

}  // namespace ccproxy::dialect
