#include "dialect/request/file_content.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/encoding.hpp"

namespace ccproxy::dialect {
namespace {

using Kind = FileContent::Kind;
using std::string_literals::operator""s;

struct Row {
  const char* name;
  const char* type;  // of the data URL, without `;base64`
  std::string bytes;
  Kind kind;
  const char* content = "";  // the text of kText, the media type of kImage
};

const Row kRows[] = {
    {"a PDF", "application/pdf", "%PDF-1.4\n", Kind::kPdf},
    {"a PDF that is said to be text", "text/plain", "%PDF-1.4\n", Kind::kPdf},
    {"a PDF that begins late", "application/pdf", "\xEF\xBB\xBF\r\n\x01%PDF-1.7\n\xFF", Kind::kPdf},
    {"text that is said to be a PDF", "application/pdf", "hello", Kind::kText, "hello"},
    {"a JPEG", "image/jpeg", "\xFF\xD8\xFF\xE0", Kind::kImage, "image/jpeg"},
    {"a PNG that is said to be a JPEG", "image/jpeg", "\x89PNG\r\n\x1A\n", Kind::kImage,
     "image/png"},
    {"a GIF of bytes", "application/octet-stream", "GIF89a\x01", Kind::kImage, "image/gif"},
    {"a WebP without a type", "", "RIFF\x10\x00\x00\x00WEBPVP8 "s, Kind::kImage, "image/webp"},
    {"RIFF is not always an image", "", "RIFF\x10\x00\x00\x00WAVEfmt "s, Kind::kBinary},
    {"CSV as Windows names it", "application/vnd.ms-excel", "hello", Kind::kText, "hello"},
    {"TypeScript as browsers name it", "video/mp2t", "let a = \"b\";\n", Kind::kText,
     R"(let a = \"b\";\n)"},
    {"text that is said to be an image", "image/png", "hello", Kind::kText, "hello"},
    {"text of no type", "", "héllo", Kind::kText, "héllo"},
    {"a byte order mark is no text", "text/csv", "\xEF\xBB\xBFhi", Kind::kText, "hi"},
    {"UTF-16 by its mark", "text/plain", "\xFF\xFEh\0i\0"s, Kind::kText, "hi"},
    {"UTF-16 the other way round", "", "\xFE\xFF\0h\0i"s, Kind::kText, "hi"},
    {"UTF-16 by its charset", "text/plain;charset=UTF-16LE", "h\0i\0"s, Kind::kText, "hi"},
    {"big-endian by its charset", "text/plain; charset=\"utf-16be\"", "\0h\0i"s, Kind::kText, "hi"},
    {"UTF-16 without a word of it", "text/plain", "h\0i\0"s, Kind::kBinary},
    {"UTF-32 is not read", "text/plain", "\xFF\xFE\0\0h\0\0\0"s, Kind::kBinary},
    {"Latin-1 by its charset", "text/plain;charset=iso-8859-1", "caf\xE9", Kind::kText, "café"},
    {"Windows-1252 by its charset", "text/csv;charset=windows-1252", "5 \x80", Kind::kText, "5 €"},
    {"UTF-8 is UTF-8 whatever its charset", "text/plain;charset=latin1", "café", Kind::kText,
     "café"},
    {"Latin-1 without a word of it", "text/plain", "caf\xE9", Kind::kBinary},
    {"NUL is in no text", "text/plain", "a\0b"s, Kind::kBinary},
    {"NUL is in no Latin-1 either", "text/plain;charset=latin1", "\xE9\0b"s, Kind::kBinary},
    {"an empty file", "text/plain", "", Kind::kEmpty},
    {"an empty file of any type", "application/pdf", "", Kind::kEmpty},
    {"white space alone", "", " \r\n", Kind::kEmpty, R"( \r\n)"},
    {"a mark alone", "", "\xFF\xFE", Kind::kEmpty},
    {"a ZIP without a byte that is no text", "text/plain", "PK\x03\x04", Kind::kArchive},
    {"a gzip", "", "\x1F\x8B\x08", Kind::kArchive},
    {"a 7z", "", "7z\xBC\xAF\x27\x1C", Kind::kArchive},
    {"an old Word document", "text/plain", "\xD0\xCF\x11\xE0\xA1", Kind::kOffice},
    {"a program", "text/plain",
     "\x7F"
     "ELF\x02\x01\x01\0"s,
     Kind::kBinary},
};

void expect_kind(const Row& row, const InlineData& data) {
  RequestArena arena;
  const auto file = file_content(data, arena);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->kind, row.kind);
  const bool is_copied = row.kind == Kind::kPdf || row.kind == Kind::kImage;
  EXPECT_EQ(row.kind == Kind::kImage ? file->media_type : file->text, row.content);
  EXPECT_EQ(is_copied ? file->base64 : "", is_copied ? base64(row.bytes) : "");
}

TEST(FileContent, has_the_kind_that_the_bytes_show) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const std::string type = std::string("data:") + row.type;
    const std::string coded = type + ";base64," + base64(row.bytes);
    expect_kind(row, inline_data(coded).value());
    const std::string plain = type + "," + percent_encoded(row.bytes);
    expect_kind(row, inline_data(plain).value());
  }
}

TEST(FileContent, is_read_from_data_urls_in_every_spelling) {
  const struct {
    const char *name, *url, *text;
  } rows[] = {
      {"percent-encoded", "data:text/plain,hello%20world", "hello world"},
      {"a plus is a plus", "data:,1+1", "1+1"},
      {"what is no escape stays", "data:,100%", "100%"},
      {"commas and semicolons behind the first comma", "data:;charset=utf-8,a,b;base64,c",
       "a,b;base64,c"},
      {"a charset of its own", "data:text/plain;charset=latin1,caf%E9", "café"},
      {"Base64 of URLs", "data:text/plain;base64,Pj4_Pj4-", ">>?>>>"},
      {"lines and no padding", "data:text/plain;base64,aGVs\r\n bG8", "hello"},
      {"Base64 that is percent-encoded as well", "data:text/plain;base64,aGVsbG8%3D", "hello"},
      {"bare Base64", "aGVsbG8=", "hello"},
      {"any case", "DATA:text/plain;BASE64,aGVsbG8=", "hello"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    RequestArena arena;
    const auto data = inline_data(row.url);
    ASSERT_TRUE(data);
    const auto file = file_content(*data, arena);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->kind, Kind::kText);
    EXPECT_EQ(file->text, row.text);
  }
}

TEST(FileContent, is_absent_for_invalid_base64_and_other_urls) {
  for (const char* url :
       {"data:text/plain;base64,****", "data:text/plain;base64,a", "====", "a=b="}) {
    RequestArena arena;
    EXPECT_FALSE(file_content(inline_data(url).value(), arena)) << url;
  }
  EXPECT_FALSE(inline_data("ftp://host/file"));
  EXPECT_FALSE(inline_data("data:text/plain"));
}

}  // namespace
}  // namespace ccproxy::dialect
