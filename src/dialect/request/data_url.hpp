// Data inside JSON: data URLs and bare Base64, split but not decoded.
#pragma once

#include <optional>
#include <string_view>

#include "dialect/request/block.hpp"

namespace ccproxy::dialect {

struct InlineData {
  std::string_view media_type{};  // as the client wrote it, without parameters; empty without
  std::string_view charset{};     // likewise
  std::string_view body{};        // not decoded
  bool is_base64 = true;          // else percent-encoded
};

// Reads a media type with its parameters, such as `text/plain;charset=utf-8`. The body is empty.
[[nodiscard]] InlineData typed_data(std::string_view type);

// Splits `data:[type][;params][;base64],...`. Text that is no URL is taken for bare Base64; another
// URL gives nothing.
[[nodiscard]] std::optional<InlineData> inline_data(std::string_view text);

// The Base64 in the form that upstream takes: without white space, in the standard alphabet,
// padded. A view of `text` where nothing had to change, else of `arena`. Nothing when it is not
// Base64.
[[nodiscard]] std::optional<std::string_view> clean_base64(std::string_view text,
                                                           RequestArena& arena);

}  // namespace ccproxy::dialect
