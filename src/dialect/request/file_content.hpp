// Finds out what kind of file some bytes are. The bytes decide, since names and media types are
// guesses of browsers and file managers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dialect/request/data_url.hpp"

namespace ccproxy::dialect {

struct FileContent {
  enum class Kind : std::uint8_t {
    kPdf,      // base64
    kImage,    // base64, media_type
    kText,     // text
    kEmpty,    // blank text, or no bytes
    kArchive,  // this and the following cannot be sent upstream
    kOffice,
    kBinary,
  };

  Kind kind;
  std::string_view media_type{};  // one of the four that Claude takes
  std::string_view base64{};  // of PDF and images, and of what came as Base64; as upstream takes it
  std::string_view text{};    // escaped
};

// Returns nothing when the data is not the Base64 that it is declared as.
[[nodiscard]] std::optional<FileContent> file_content(const InlineData& data, RequestArena& arena);

// The media type in the spelling of upstream, if it is one of the four types of images that Claude
// takes; "" for others.
[[nodiscard]] std::string_view image_type(std::string_view media_type);

// The media type of an image by the ending of its file's name; "" for other endings.
[[nodiscard]] std::string_view image_type_of_name(std::string_view filename);

}  // namespace ccproxy::dialect
