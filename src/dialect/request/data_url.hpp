// Bytes that travel inside JSON: data URLs and bare Base64, as they were written.
#pragma once

#include <optional>
#include <string_view>

#include "dialect/request/block.hpp"

namespace ccproxy::dialect {

struct InlineData {
  std::string_view media_type{};  // as the client says, without parameters; empty when it does not
  std::string_view charset{};     // the same
  std::string_view body{};        // not yet looked at
  bool is_base64 = true;          // else percent-encoded
};

// A media type with its parameters, such as `text/plain;charset=utf-8`, and no body.
[[nodiscard]] InlineData typed_data(std::string_view type);

// Splits `data:[type][;params][;base64],...`; a text that is no URL is taken for bare Base64.
// Nothing for another URL.
[[nodiscard]] std::optional<InlineData> inline_data(std::string_view text);

// The same Base64 as upstream takes it: no white space, the usual alphabet, padded. It is a view of
// `text` where nothing had to change. Nothing when it is not Base64.
[[nodiscard]] std::optional<std::string_view> clean_base64(std::string_view text,
                                                           RequestArena& arena);

}  // namespace ccproxy::dialect
