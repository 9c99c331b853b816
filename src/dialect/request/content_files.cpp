#include "dialect/request/content_files.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "dialect/request/cache_control.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::JsonText;
using json::Value;
using Kind = FileContent::Kind;

constexpr std::string_view kEmptyFile = "(empty file)";

bool is_web_address(std::string_view text) {
  return starts_with_text(text, "https://") || starts_with_text(text, "http://");
}

bool names_office_file(std::string_view name) {
  constexpr std::string_view kEndings =
      "doc,docx,docm,xls,xlsx,xlsm,xlsb,ppt,pptx,pptm,odt,ods,odp,pages,numbers,key";
  const auto dot = name.rfind('.');
  return dot != std::string_view::npos && list_names(kEndings, name.substr(dot + 1));
}

// Appends `,"name":...` for each of these that the part has.
void append_members(std::string& out, Value part, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const Value member = part[name]; !member.is_absent())
      out.append(",\"").append(name).append("\":").append(member.raw());
}

// A block with the members that every form of a document has: its title, context and citations.
// OpenAI's parts have an inner object, and clients write these members in either.
Block document_block(Value part, Value inner, CacheControl cache_control, RequestArena& arena) {
  Block block{.cache_control = cache_control};
  for (const Value title : {part["title"], inner["title"], inner["filename"]})
    if (block.id.empty()) block.id = title.text().escaped;
  std::string members;
  append_members(members, part, {"context", "citations"});
  if (members.empty()) append_members(members, inner, {"context", "citations"});
  if (!members.empty()) block.name = arena.store(std::move(members));
  return block;
}

}  // namespace

void ContentFiles::read_image(Value part, ParamPath path, CacheControl cache_control,
                              std::vector<Block>& out) {
  const Value holder = part["image_url"];
  const Value url = holder.is_object() ? holder["url"] : holder;
  const std::string_view at = holder.is_object() ? ".image_url.url" : ".image_url";
  const bool is_flat = part["type"].text().escaped == "input_image";
  if (const Value id = part["file_id"]; url.is_absent() && id.is_string()) {
    path.file = "";
    return add_file_id("image", id.text().escaped, path, {.cache_control = cache_control}, out);
  }
  if (url.is_absent())
    return report_.refuse(path.param(is_flat ? ".image_url" : ".image_url.url"),
                          "missing_required_parameter", "An image needs a URL.");
  if (!url.is_string()) return report_.refuse_type(path.param(at), "a string");
  const std::string_view text = plain_text(url, arena_);
  if (is_web_address(text))
    return add_url("image", url.text(), {.cache_control = cache_control}, out);
  const auto data = inline_data(text);
  if (!data) return refuse_image(path.param(at));
  add_image(*data, path.param(at), cache_control, out);
}

void ContentFiles::refuse_image(const std::string& param) {
  report_.refuse(param, "invalid_base64_image",
                 "The image is neither a web address nor valid Base64 data.");
}

// Clients that can only send images send PDF and text files as images, too.
void ContentFiles::add_image(const InlineData& data, const std::string& param,
                             CacheControl cache_control, std::vector<Block>& out) {
  const auto file = file_content(data, arena_);
  if (!file || file->kind == Kind::kEmpty || (file->base64.empty() && file->kind != Kind::kText))
    return refuse_image(param);
  const bool has_image_type =
      data.media_type.empty() || starts_with_text(data.media_type, "image/");
  const bool is_known = file->kind == Kind::kImage || file->kind == Kind::kPdf;
  if (is_known || (file->kind == Kind::kText && !has_image_type))
    return add_file(*file, {.cache_control = cache_control}, out);
  // Where the bytes do not tell the type, the client's media type is taken.
  const std::string_view type = image_type(data.media_type);
  if (type.empty())
    return report_.refuse(param, "invalid_image_format",
                          "The image is none of JPEG, PNG, GIF and WebP.");
  if (file->base64.empty()) return refuse_image(param);
  add_file({.kind = Kind::kImage, .media_type = type, .base64 = file->base64},
           {.cache_control = cache_control}, out);
}

void ContentFiles::read_file(Value part, ParamPath path, CacheControl cache_control,
                             std::vector<Block>& out) {
  const Value file = part["file"].is_object() ? part["file"] : part;
  if (!part["file"].is_object() && part["type"].text().escaped == "input_file") path.file = "";
  const Block block = document_block(part, file, cache_control, arena_);
  if (const Value id = file["file_id"]; id.is_string()) {
    const bool is_image = !image_type_of_name(plain_text(file["filename"], arena_)).empty();
    return is_image ? add_file_id("image", id.text().escaped, path,
                                  {.cache_control = cache_control}, out)
                    : add_file_id("document", id.text().escaped, path, block, out);
  }
  const bool has_url = file["file_url"].is_string() && !file["file_data"].is_string();
  const Value content_member = has_url ? file["file_url"] : file["file_data"];
  const std::string param =
      path.param(fmt::format("{}.{}", path.file, has_url ? "file_url" : "file_data"));
  if (!content_member.is_string())
    return report_.refuse(param, "missing_required_parameter",
                          "A file needs file_data or file_id.");
  const std::string_view text = plain_text(content_member, arena_);
  if (is_web_address(text)) return add_url("document", content_member.text(), block, out);
  const auto data = inline_data(text);
  const auto content = data ? file_content(*data, arena_) : std::nullopt;
  if (!content)
    return report_.refuse(param, "unsupported_file", "The file's data is not valid Base64.");
  if (content->kind >= Kind::kArchive)
    return refuse_file(content->kind, plain_text(file["filename"], arena_), param);
  add_document(*content, block, path, out);
}

// A document whose media type and Base64 are right is forwarded as the client wrote it.
void ContentFiles::read_source(Value part, const ParamPath& path, CacheControl cache_control,
                               std::vector<Block>& out) {
  const Value source = part["source"], encoded = source["data"];
  const std::string_view kind = source["type"].text().escaped;
  if (kind == "file") betas_.emplace_back(kFilesBeta);
  if (kind != "base64" || !encoded.is_string()) return add_verbatim(part, cache_control, out);
  const std::string_view type = plain_text(source["media_type"], arena_);
  const std::string_view text = plain_text(encoded, arena_);
  InlineData data = typed_data(type);
  data.body = text;
  data.is_base64 = true;
  if (const auto url = inline_data(text); starts_with_text(text, "data:") && url) data = *url;
  const std::string param = path.param(".source.data");
  if (part["type"].text().escaped == "image") return add_image(data, param, cache_control, out);
  const auto content = file_content(data, arena_);
  if (!content)
    return report_.refuse(param, "unsupported_file", "The file's data is not valid Base64.");
  if (content->kind >= Kind::kArchive)
    return refuse_file(content->kind, plain_text(part["title"], arena_), param);
  const bool is_valid_pdf = content->kind == Kind::kPdf && type == "application/pdf" &&
                            content->base64.data() == encoded.text().escaped.data();
  if (is_valid_pdf) return add_verbatim(part, cache_control, out);
  add_document(*content, document_block(part, source, cache_control, arena_), path, out);
}

// An image block has no members for the context and citations of a document.
void ContentFiles::add_document(const FileContent& file, const Block& block, const ParamPath& path,
                                std::vector<Block>& out) {
  if (file.kind == Kind::kImage && !block.name.empty()) report_.ignore(path.param(".citations"));
  add_file(file, block, out);
}

void ContentFiles::add_file(const FileContent& file, Block block, std::vector<Block>& out) {
  switch (file.kind) {
    case Kind::kImage:
      return out.push_back({.kind = Block::Kind::kImage,
                            .cache_control = block.cache_control,
                            .text = file.base64,
                            .name = file.media_type});
    case Kind::kPdf:
      block.kind = Block::Kind::kPdf;
      block.text = file.base64;
      break;
    default:
      block.kind = Block::Kind::kPlainFile;
      block.text = file.kind == Kind::kEmpty ? kEmptyFile : file.text;
  }
  out.push_back(block);
}

void ContentFiles::refuse_file(Kind kind, std::string_view name, const std::string& param) {
  constexpr std::size_t kMaxName = 128;
  std::string_view what =
      "neither of these: text must be UTF-8, or UTF-16 with its byte order mark";
  if (kind == Kind::kArchive) what = "an archive";
  if (kind == Kind::kOffice || names_office_file(name)) what = "an Office file";
  report_.refuse(
      param, "unsupported_file",
      fmt::format("Only PDF, images and text files can be sent to Claude: {} is {}.",
                  name.empty() ? "this file" : fmt::format("'{}'", name.substr(0, kMaxName)),
                  what));
}

void ContentFiles::add_file_id(std::string_view kind, std::string_view id, const ParamPath& path,
                               const Block& block, std::vector<Block>& out) {
  if (!id.starts_with("file_"))
    return report_.refuse(path.param(fmt::format("{}.file_id", path.file)), "file_not_found",
                          "The file is not known: only files of the Claude API can be named.");
  betas_.emplace_back(kFilesBeta);
  add_source(kind, fmt::format(R"({{"type":"file","file_id":"{}"}})", id), block, out);
}

void ContentFiles::add_url(std::string_view kind, JsonText url, const Block& block,
                           std::vector<Block>& out) {
  add_source(kind, fmt::format(R"({{"type":"url","url":"{}"}})", url.escaped), block, out);
}

void ContentFiles::add_source(std::string_view kind, std::string_view source, const Block& block,
                              std::vector<Block>& out) {
  std::string json = fmt::format(R"({{"type":"{}","source":{})", kind, source);
  append_document_members(json, block);
  json += '}';
  out.push_back({.kind = Block::Kind::kVerbatim, .cache_control = block.cache_control});
  out.back().text = arena_.store(std::move(json));
}

void ContentFiles::add_verbatim(Value part, CacheControl cache_control, std::vector<Block>& out) {
  out.push_back({.kind = Block::Kind::kVerbatim,
                 .cache_control = cache_control,
                 .text = without_cache_control(part, arena_)});
}

}  // namespace ccproxy::dialect
