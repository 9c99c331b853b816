// The content of a JSON string between its quotes, still escaped. It is copied from one JSON text
// to another without being decoded and encoded again, so that it cannot change.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ccproxy::json {

struct JsonText {
  std::string_view escaped{};

  [[nodiscard]] bool empty() const { return escaped.empty(); }
};

// The content of a string token; nothing for other tokens and invalid escapes. `token` must be
// valid UTF-8 without control characters, as simdjson guarantees for the tokens that it returns.
[[nodiscard]] std::optional<JsonText> text_of(std::string_view token);

// Appends the decoded text. A lone surrogate, which UTF-8 cannot represent, becomes U+FFFD.
void append_decoded(std::string& out, JsonText text);

// The place of the first lone surrogate at or behind `at`; npos when there is none. The escapes of
// `json` must be valid.
[[nodiscard]] std::size_t find_lone_surrogate(std::string_view json, std::size_t at = 0);

// Replaces each lone surrogate by \ufffd in place, since decoders may refuse the whole text because
// of one. The size does not change.
void replace_lone_surrogates(std::string& json);

// Appends `plain` escaped, without quotes around it. Bytes that are not UTF-8 become U+FFFD.
void append_escaped(std::string& out, std::string_view plain);

// True when the text is escaped as append_escaped() does it, so that decoding and escaping it again
// would not change it.
[[nodiscard]] bool is_plainly_escaped(JsonText text);

// True when the text is empty or has white space only.
[[nodiscard]] bool is_blank(JsonText text);

// Appends JSON without the white space between its tokens.
void append_compact(std::string& out, std::string_view json);

[[nodiscard]] bool is_utf8(std::string_view bytes);

// The number of Unicode code points in the decoded text.
[[nodiscard]] std::size_t code_points(JsonText text);

}  // namespace ccproxy::json
