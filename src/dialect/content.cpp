#include "dialect/content.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "dialect/data_url.hpp"

namespace ccproxy::dialect {
namespace {

using json::JsonText;
using json::Value;

constexpr std::string_view kFilesBeta = "files-api-2025-04-14";

bool is_web_address(std::string_view text) {
  return starts_with_text(text, "https://") || starts_with_text(text, "http://");
}

}  // namespace

std::string Place::param(std::string_view inside) const {
  if (part < 0) return fmt::format("{}[{}].{}{}", list, message, content, inside);
  return fmt::format("{}[{}].{}[{}]{}", list, message, content, part, inside);
}

CacheMark cache_mark_of(Value holder) {
  Value control, breakpoint;
  for (const Value member : holder.children()) {
    const std::string_view name = member.name();
    if (name == "cache_control") control = member;
    if (name == "prompt_cache_breakpoint") breakpoint = member;
  }
  if (control.is_object())
    return control["ttl"].text().escaped == "1h" ? CacheMark::kOneHour : CacheMark::kFiveMinutes;
  if (!breakpoint.is_object()) return CacheMark::kNone;
  const std::string_view ttl = breakpoint["ttl"].text().escaped;
  return ttl == "12h" || ttl == "1h" ? CacheMark::kOneHour : CacheMark::kFiveMinutes;
}

std::string_view without_mark(Value object, MadeTexts& made) {
  if (object["cache_control"].kind() == json::ValueKind::kMissing) return object.raw();
  std::string rest = "{";
  for (const Value member : object.children()) {
    if (member.name() == "cache_control") continue;
    if (rest.size() > 1) rest += ',';
    rest += '"';
    json::append_escaped(rest, member.name());
    rest.append("\":").append(member.raw());
  }
  rest += '}';
  return made.keep(std::move(rest));
}

void Content::add_text(JsonText text, CacheMark mark, std::vector<Block>& out) {
  if (json::is_blank(text)) return;
  out.push_back({.kind = Block::Kind::kText, .mark = mark, .text = text.escaped});
}

void Content::read_part(Value part, Place place, bool allows_files, std::vector<Block>& out) {
  if (part.is_string()) return add_text(part.text(), CacheMark::kNone, out);
  if (!part.is_object()) return report_.refuse_type(place.param(), "an object");
  const std::string_view type = part["type"].text().escaped;
  const CacheMark mark = cache_mark_of(part);
  const bool is_text = type == "text" || type == "input_text" || type == "output_text" ||
                       (type.empty() && !part["text"].is_absent());
  if (is_text) {
    const Value text = part["text"];
    if (text.is_absent()) return;
    if (!text.is_string()) return report_.refuse_type(place.param(".text"), "a string");
    return add_text(text.text(), mark, out);
  }
  if (type == "image_url" || type == "input_image") {
    if (allows_files) return read_image(part, place, mark, out);
    return report_.refuse(place.param(".image_url"), "unsupported_content",
                          "Images can only stand in messages of the user or a tool.");
  }
  if (allows_files && (type == "file" || type == "input_file"))
    return read_file(part, place, mark, out);
  const bool is_anthropic = (type == "image" || type == "document" || type == "search_result") &&
                            (part["source"].is_object() || part["source"].is_string());
  if (allows_files && is_anthropic) return add_verbatim(part, mark, out);
  report_.refuse(place.param(), "unsupported_content",
                 type == "input_audio" ? "Audio is not supported by Claude."
                                       : fmt::format("Content of type '{}' is not supported here.",
                                                     type.substr(0, 64)));
}

void Content::read_image(Value part, Place place, CacheMark mark, std::vector<Block>& out) {
  const Value holder = part["image_url"];
  const Value url = holder.is_object() ? holder["url"] : holder;
  const std::string_view at = holder.is_object() ? ".image_url.url" : ".image_url";
  const bool is_flat = part["type"].text().escaped == "input_image";
  if (const Value id = part["file_id"]; url.is_absent() && id.is_string()) {
    place.file = "";
    return add_file_id("image", id.text().escaped, place, mark, out);
  }
  if (url.is_absent())
    return report_.refuse(place.param(is_flat ? ".image_url" : ".image_url.url"),
                          "missing_required_parameter", "An image needs a URL.");
  if (!url.is_string()) return report_.refuse_type(place.param(at), "a string");
  const std::string_view text = plain_text(url, made_);
  if (is_web_address(text)) return add_url("image", url.text(), mark, out);
  const auto data = inline_data(text);
  const auto clean = data ? clean_base64(data->base64, made_) : std::nullopt;
  if (!clean)
    return report_.refuse(place.param(at), "invalid_base64_image",
                          "The image is neither a web address nor valid Base64 data.");
  std::string_view type = sniffed_type(*clean);
  if (!is_image_type(type))
    type = data->media_type == "image/jpg" ? "image/jpeg" : data->media_type;
  if (!is_image_type(type))
    return report_.refuse(place.param(at), "invalid_image_format",
                          "The image is none of JPEG, PNG, GIF and WebP.");
  out.push_back({.kind = Block::Kind::kImage, .mark = mark, .text = *clean, .name = type});
}

void Content::read_file(Value part, Place place, CacheMark mark, std::vector<Block>& out) {
  const Value file = part["file"].is_object() ? part["file"] : part;
  if (!part["file"].is_object() && part["type"].text().escaped == "input_file") place.file = "";
  if (const Value id = file["file_id"]; id.is_string()) {
    const bool is_image = is_image_type(type_of_name(plain_text(file["filename"], made_)));
    return add_file_id(is_image ? "image" : "document", id.text().escaped, place, mark, out);
  }
  const Value url = file["file_url"];
  if (url.is_string() && is_web_address(plain_text(url, made_)))
    return add_url("document", url.text(), mark, out);
  read_file_data(file, place, mark, out);
}

void Content::add_file_id(std::string_view kind, std::string_view id, Place place, CacheMark mark,
                          std::vector<Block>& out) {
  if (!id.starts_with("file_"))
    return report_.refuse(place.param(fmt::format("{}.file_id", place.file)), "file_not_found",
                          "The file is not known: only files of the Claude API can be named.");
  betas_.emplace_back(kFilesBeta);
  out.push_back({.kind = Block::Kind::kVerbatim, .mark = mark});
  out.back().text = made_.keep(
      fmt::format(R"({{"type":"{}","source":{{"type":"file","file_id":"{}"}}}})", kind, id));
}

void Content::read_file_data(Value file, Place place, CacheMark mark, std::vector<Block>& out) {
  const Value given = file["file_data"];
  if (!given.is_string())
    return report_.refuse(place.param(fmt::format("{}.file_data", place.file)),
                          "missing_required_parameter", "A file needs file_data or file_id.");
  const std::string_view text = plain_text(given, made_);
  if (is_web_address(text)) return add_url("document", given.text(), mark, out);
  const auto data = inline_data(text);
  const auto clean = data ? clean_base64(data->base64, made_) : std::nullopt;
  if (!clean)
    return report_.refuse(place.param(fmt::format("{}.file_data", place.file)), "unsupported_file",
                          "The file's data is not valid Base64.");
  const std::string_view sniffed = sniffed_type(*clean);
  std::string_view type = data->media_type;
  if (type.empty() || type == "application/octet-stream")
    type = type_of_name(plain_text(file["filename"], made_));
  if (type.empty() || is_image_type(sniffed)) type = sniffed;
  const std::string_view title = file["filename"].text().escaped;
  if (type == "application/pdf") {
    out.push_back({.kind = Block::Kind::kPdf, .mark = mark, .text = *clean, .id = title});
  } else if (is_image_type(type)) {
    out.push_back({.kind = Block::Kind::kImage, .mark = mark, .text = *clean, .name = type});
  } else if (is_text_type(type)) {
    add_plain_file(*clean, title, place, mark, out);
  } else {
    report_.refuse(place.param(fmt::format("{}.file_data", place.file)), "unsupported_file",
                   "Only PDF, images and text files can be sent to Claude.");
  }
}

void Content::add_plain_file(std::string_view base64, std::string_view title, Place place,
                             CacheMark mark, std::vector<Block>& out) {
  const auto bytes = base64_decoded(base64);
  if (!bytes || !json::is_utf8(*bytes))
    return report_.refuse(place.param(fmt::format("{}.file_data", place.file)), "unsupported_file",
                          "The file says it is text, but it is not UTF-8.");
  std::string escaped;
  json::append_escaped(escaped, *bytes);
  if (json::is_blank({escaped})) return;
  out.push_back({.kind = Block::Kind::kPlainFile, .mark = mark, .id = title});
  out.back().text = made_.keep(std::move(escaped));
}

void Content::add_url(std::string_view type, JsonText url, CacheMark mark,
                      std::vector<Block>& out) {
  out.push_back({.kind = Block::Kind::kVerbatim, .mark = mark});
  out.back().text = made_.keep(
      fmt::format(R"({{"type":"{}","source":{{"type":"url","url":"{}"}}}})", type, url.escaped));
}

void Content::add_verbatim(Value part, CacheMark mark, std::vector<Block>& out) {
  out.push_back({.kind = Block::Kind::kVerbatim, .mark = mark, .text = without_mark(part, made_)});
}

}  // namespace ccproxy::dialect
