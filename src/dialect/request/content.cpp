#include "dialect/request/content.hpp"

#include <fmt/format.h>

#include <string_view>

#include "dialect/request/cache_control.hpp"
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

void Content::add_text(JsonText text, CacheControl cache_control, std::vector<Block>& out) {
  if (json::is_blank(text)) return;
  out.push_back({.kind = Block::Kind::kText, .cache_control = cache_control, .text = text.escaped});
}

void Content::read_part(Value part, ParamPath path, bool allows_files, std::vector<Block>& out) {
  if (part.is_string()) return add_text(part.text(), CacheControl::kNone, out);
  if (!part.is_object()) return report_.refuse_type(path.param(), "an object");
  const std::string_view type = part["type"].text().escaped;
  const CacheControl cache_control = cache_control_of(part);
  const bool is_text = type == "text" || type == "input_text" || type == "output_text" ||
                       (type.empty() && !part["text"].is_absent());
  if (is_text) {
    const Value text = part["text"];
    if (text.is_absent()) return;
    if (!text.is_string()) return report_.refuse_type(path.param(".text"), "a string");
    // Citations number the documents of the request that they came in reply to.
    if (const Value citations = part["citations"];
        !citations.is_absent() && !citations.children().empty())
      report_.ignore_of_reply(path.param(".citations"));
    return add_text(text.text(), cache_control, out);
  }
  if (type == "image_url" || type == "input_image") {
    if (allows_files) return files_.read_image(part, path, cache_control, out);
    return report_.refuse(path.param(".image_url"), "unsupported_content",
                          "Images can only stand in messages of the user or a tool.");
  }
  if (allows_files && (type == "file" || type == "input_file"))
    return files_.read_file(part, path, cache_control, out);
  if (allows_files && is_anthropic_file(type)) {
    const Value source = part["source"];
    if (source.is_object() || source.is_string())
      return files_.read_source(part, path, cache_control, out);
  }
  if (is_server_block(type)) {
    out.push_back(server_block(part, cache_control, arena_));
    out.back().message = static_cast<std::uint32_t>(path.message);
    return;
  }
  report_.refuse(path.param(), "unsupported_content",
                 type == "input_audio" ? "Audio is not supported by Claude."
                                       : fmt::format("Content of type '{}' is not supported here.",
                                                     type.substr(0, 64)));
}

}  // namespace ccproxy::dialect
