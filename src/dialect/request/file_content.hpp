// What a file turns out to be. Its bytes decide: names and types come from browsers and file
// managers, which guess.
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
    kEmpty,    // text without a word, or nothing at all
    kArchive,  // the rest cannot be sent
    kOffice,
    kBinary,
  };

  Kind kind;
  std::string_view media_type{};  // one of the four that Claude takes
  std::string_view base64{};      // of what came so, as upstream takes it; of PDF and images always
  std::string_view text{};        // escaped
};

// Looks at the bytes. Nothing when they are said to be Base64 and are not.
[[nodiscard]] std::optional<FileContent> file_content(const InlineData& data, RequestArena& arena);

// One of the four types of images that Claude takes, however it is spelled; "" for others.
[[nodiscard]] std::string_view image_type(std::string_view media_type);

// The type of image that a file's name tells; "" for what is none.
[[nodiscard]] std::string_view image_type_of_name(std::string_view filename);

}  // namespace ccproxy::dialect
