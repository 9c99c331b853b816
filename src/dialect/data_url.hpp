// Bytes that travel inside JSON: data URLs and bare Base64, and what they turn out to be.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dialect/block.hpp"

namespace ccproxy::dialect {

struct InlineData {
  std::string_view media_type{};  // as the client says; empty when it does not
  std::string_view base64{};      // not yet looked at
};

// Splits `data:[type][;params];base64,...`; a text that is no URL is taken for bare Base64. Nothing
// for another URL, and for data that is not Base64.
[[nodiscard]] std::optional<InlineData> inline_data(std::string_view text);

// The same Base64 as upstream takes it: no white space, the usual alphabet, padded. It is a view of
// `text` where nothing had to change. Nothing when it is not Base64, or empty.
[[nodiscard]] std::optional<std::string_view> clean_base64(std::string_view text, MadeTexts& made);

// The media type that the first bytes tell: one of the four image types, application/pdf, or "".
[[nodiscard]] std::string_view sniffed_type(std::string_view base64);

// The media type that a file's name tells; text/plain for all kinds of source code. "" when nobody
// knows.
[[nodiscard]] std::string_view type_of_name(std::string_view filename);

[[nodiscard]] bool is_image_type(std::string_view media_type);

// True for what can be sent as the text that it is.
[[nodiscard]] bool is_text_type(std::string_view media_type);

}  // namespace ccproxy::dialect
