#include "mock/files.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/text.hpp"
#include "mock/models.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::size_t kMaxStoredBytes = std::size_t{128} << 20;  // bytes of all contents together
constexpr std::size_t kMaxFiles = 1000;

tl::unexpected<Error> invalid(const char* message) {
  return fail(ErrorKind::kInvalidRequest, message);
}

// Returns a parameter of a field's value, such as boundary or filename, without its quotes.
std::optional<std::string_view> parameter(std::string_view value, std::string_view name) {
  while (!value.empty()) {
    const std::string_view item = take_item(value, ';');
    const auto equals = item.find('=');
    if (equals == std::string_view::npos || !same_text(item.substr(0, equals), name)) continue;
    std::string_view found = item.substr(equals + 1);
    if (found.size() >= 2 && found.front() == '"' && found.back() == '"')
      found = found.substr(1, found.size() - 2);
    return found;
  }
  return std::nullopt;
}

// Returns the text with the characters replaced that may not stand between quotes in a header
// field.
std::string harmless(std::string_view text) {
  std::string name(text);
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }, '_');
  return name;
}

struct Part {
  std::string_view name, filename, type;
  std::size_t begin = 0;  // offset of its content in the body
};

Part part_of(std::string_view head, std::size_t begin) {
  Part part;
  part.type = "application/octet-stream";
  part.begin = begin;
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head = end == std::string_view::npos ? std::string_view{} : head.substr(end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view value = trim(line.substr(colon + 1));
    if (same_text(line.substr(0, colon), "content-type")) part.type = value;
    if (!same_text(line.substr(0, colon), "content-disposition")) continue;
    part.name = parameter(value, "name").value_or("");
    part.filename = parameter(value, "filename").value_or("");
  }
  return part;
}

// Finds the part named "file" (RFC 7578); nullopt when its head is not in `body`.
std::optional<Part> file_part(std::string_view body, const std::string& delimiter) {
  std::size_t at = body.find(delimiter);
  while (at != std::string_view::npos) {
    const std::size_t head = at + delimiter.size() + 2;
    const std::size_t blank = body.find("\r\n\r\n", at + delimiter.size());
    if (blank == std::string_view::npos) return std::nullopt;
    const std::size_t length = blank > head ? blank - head : 0;
    const Part part = part_of(body.substr(std::min(head, body.size()), length), blank + 4);
    if (part.name == "file") return part;
    at = body.find(delimiter, blank);
  }
  return std::nullopt;
}

}  // namespace

std::string time_text(WallClock::time_point when) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(WallClock::to_time_t(when)));
}

Result<Document> Files::upload(std::string id, std::string_view content_type,
                               const std::string& body, std::uint64_t total) {
  const auto boundary = parameter(content_type, "boundary");
  if (!starts_with_text(content_type, "multipart/form-data") || !boundary)
    return invalid("A file is uploaded as multipart/form-data");
  const std::string delimiter = "--" + std::string(*boundary);
  const auto part = file_part(body, delimiter);
  if (!part) return invalid("file: Field required");

  File file;
  file.is_stored = total == body.size();
  const std::string end = "\r\n" + delimiter;
  const auto end_at = body.find(end, part->begin);
  if (file.is_stored && end_at == std::string::npos)
    return invalid("The multipart body is cut short");
  std::uint64_t size =
      total - part->begin - std::min<std::uint64_t>(total - part->begin, end.size() + 4);
  if (file.is_stored) {
    file.content = body.substr(part->begin, end_at - part->begin);
    size = file.content.size();
  }
  file.facts = {{"type", "file"},
                {"id", std::move(id)},
                {"filename", part->filename.empty() ? "upload" : harmless(part->filename)},
                {"mime_type", harmless(part->type)},
                {"size_bytes", size},
                {"created_at", time_text(WallClock::now())},
                {"downloadable", file.is_stored}};
  files_.push_back(std::move(file));
  drop_oldest();
  return files_.back().facts;
}

// Drops contents beyond the limit, oldest first, and whole files when there are too many.
void Files::drop_oldest() {
  if (files_.size() > kMaxFiles) files_.erase(files_.begin());
  std::size_t bytes = 0;
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    bytes += file->content.size();
    if (bytes <= kMaxStoredBytes || !file->is_stored) continue;
    file->is_stored = false;
    file->facts["downloadable"] = false;
    std::string().swap(file->content);
  }
}

Document Files::list(std::string_view query) const {
  std::vector<Document> newest_first;
  for (auto file = files_.rbegin(); file != files_.rend(); ++file)
    newest_first.push_back(file->facts);
  return page_of(newest_first, query);
}

const Files::File* Files::find(std::string_view id) const {
  for (const File& file : files_)
    if (file.facts["id"].get<std::string>() == id) return &file;
  return nullptr;
}

bool Files::remove(std::string_view id) {
  return std::erase_if(files_, [&](const File& file) {
           return file.facts["id"].get<std::string>() == id;
         }) > 0;
}

}  // namespace ccproxy::mock
