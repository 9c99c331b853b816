#include "dialect/request/file_content.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/charset.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using Kind = FileContent::Kind;
using std::string_view_literals::operator""sv;

constexpr std::size_t kHead = 1024;  // bytes in which a PDF may begin (ISO 32000, annex H)

struct Signature {
  std::string_view bytes;
  Kind kind;
  std::string_view media_type = {};
};

// The first bytes of files that are no text, or could be taken for text.
constexpr std::array<Signature, 14> kSignatures = {{
    {"%PDF", Kind::kPdf},
    {"\xFF\xD8\xFF", Kind::kImage, "image/jpeg"},
    {"\x89PNG", Kind::kImage, "image/png"},
    {"GIF87a", Kind::kImage, "image/gif"},
    {"GIF89a", Kind::kImage, "image/gif"},
    {"PK\x03\x04", Kind::kArchive},
    {"PK\x05\x06", Kind::kArchive},
    {"\x1F\x8B", Kind::kArchive},
    {"BZh91AY&SY", Kind::kArchive},
    {"7z\xBC\xAF\x27\x1C", Kind::kArchive},
    {"Rar!\x1A\x07", Kind::kArchive},
    {"\xFD"
     "7zXZ",
     Kind::kArchive},
    {"\x28\xB5\x2F\xFD", Kind::kArchive},
    {"\xD0\xCF\x11\xE0", Kind::kOffice},
}};

constexpr std::array<std::string_view, 4> kImageTypes = {"image/jpeg", "image/png", "image/gif",
                                                         "image/webp"};

// The kind that the first bytes show; kBinary when they show none.
FileContent kind_of_head(std::string_view head, std::string_view media_type) {
  if (head.starts_with("RIFF") && head.size() >= 12 && head.substr(8, 4) == "WEBP")
    return {.kind = Kind::kImage, .media_type = "image/webp"};
  for (const Signature& signature : kSignatures)
    if (head.starts_with(signature.bytes))
      return {.kind = signature.kind, .media_type = signature.media_type};
  const bool is_late = same_text(media_type, "application/pdf") &&
                       head.substr(0, kHead).find("%PDF-") != std::string_view::npos;
  return {.kind = is_late ? Kind::kPdf : Kind::kBinary};
}

bool is_text(std::string_view bytes) {
  return bytes.find('\0') == std::string_view::npos && json::is_utf8(bytes);
}

// The bytes as UTF-8; nothing for an unknown encoding.
std::optional<std::string> text_in_charset(std::string_view bytes, std::string_view charset) {
  constexpr std::string_view kLatin1 =
      "iso-8859-1,iso8859-1,iso_8859-1,latin1,latin-1,l1,windows-1252,cp1252,x-cp1252,ansi";
  if (bytes.starts_with("\xFF\xFE")) return utf8_of_utf16(bytes.substr(2), ByteOrder::kLittle);
  if (bytes.starts_with("\xFE\xFF")) return utf8_of_utf16(bytes.substr(2), ByteOrder::kBig);
  if (list_names("utf-16be,utf16be", charset)) return utf8_of_utf16(bytes, ByteOrder::kBig);
  if (list_names("utf-16,utf16,utf-16le,utf16le,ucs-2,unicode", charset))
    return utf8_of_utf16(bytes, ByteOrder::kLittle);
  if (list_names(kLatin1, charset)) return utf8_of_latin1(bytes);
  return std::nullopt;
}

// Sets the text of `file` where the bytes are text.
void read_text(std::string_view bytes, std::string_view charset, FileContent& file,
               RequestArena& arena) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  const bool is_plain = is_text(bytes);
  const auto decoded = is_plain ? std::nullopt : text_in_charset(bytes, charset);
  if (!is_plain && !(decoded && is_text(*decoded))) return;
  const std::string_view plain = decoded ? *decoded : bytes;
  std::string escaped;
  escaped.reserve(plain.size() + plain.size() / 16);
  json::append_escaped(escaped, plain);
  file.kind = json::is_blank({escaped}) ? Kind::kEmpty : Kind::kText;
  file.text = arena.store(std::move(escaped));
}

// The content of data that is not Base64.
FileContent percent_decoded_content(const InlineData& data, RequestArena& arena) {
  const std::string bytes = percent_decoded(data.body, Plus::kPlus);
  FileContent file = kind_of_head(bytes, data.media_type);
  if (file.kind == Kind::kBinary) read_text(bytes, data.charset, file, arena);
  if (file.kind == Kind::kPdf || file.kind == Kind::kImage)
    file.base64 = arena.store(base64(bytes));
  return file;
}

}  // namespace

std::optional<FileContent> file_content(const InlineData& data, RequestArena& arena) {
  if (!data.is_base64) return percent_decoded_content(data, arena);
  auto clean = clean_base64(data.body, arena);
  if (!clean && data.body.find('%') != std::string_view::npos)
    clean = clean_base64(arena.store(percent_decoded(data.body, Plus::kPlus)), arena);
  if (!clean) return std::nullopt;
  constexpr std::size_t kHeadCharacters = (kHead + 2) / 3 * 4;
  const auto head = base64_decoded(clean->substr(0, std::min(kHeadCharacters, clean->size())));
  if (!head) return std::nullopt;
  FileContent file = kind_of_head(*head, data.media_type);
  file.base64 = *clean;
  if (file.kind != Kind::kBinary) return file;
  if (const auto bytes = base64_decoded(*clean)) read_text(*bytes, data.charset, file, arena);
  return file;
}

std::string_view image_type(std::string_view media_type) {
  if (same_text(media_type, "image/jpg")) return "image/jpeg";
  const auto known = std::find_if(kImageTypes.begin(), kImageTypes.end(),
                                  [&](auto type) { return same_text(type, media_type); });
  return known == kImageTypes.end() ? std::string_view() : *known;
}

std::string_view image_type_of_name(std::string_view filename) {
  const auto dot = filename.rfind('.');
  if (dot == std::string_view::npos) return "";
  const std::string ending = lowered(filename.substr(dot + 1));
  return image_type("image/" + ending);
}

}  // namespace ccproxy::dialect
