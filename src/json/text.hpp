// A JSON string where it stands: what is between its quotes, still escaped. It is copied from one
// JSON text to another as it is, never decoded and encoded again, so nothing can change on the way.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ccproxy::json {

struct JsonText {
  std::string_view escaped{};

  [[nodiscard]] bool empty() const { return escaped.empty(); }
};

// The text of a string token; nothing for all else, broken escapes included. What simdjson has
// walked over is UTF-8 without raw control characters, so that is not looked at again.
[[nodiscard]] std::optional<JsonText> text_of(std::string_view token);

// Appends what the text means, in UTF-8. Half a surrogate pair, which UTF-8 cannot say, becomes
// U+FFFD.
void append_decoded(std::string& out, JsonText text);

// Where the first escape at or behind `at` stands that is half a surrogate pair; npos without. Of
// JSON whose escapes are right.
[[nodiscard]] std::size_t find_half(std::string_view json, std::size_t at = 0);

// Half a surrogate pair is no character, and who decodes the text may refuse all of it: each
// becomes \ufffd where it stands. Nothing moves.
void mend_halves(std::string& json);

// Appends `plain` escaped, without the quotes around it. Bytes that are not UTF-8 become U+FFFD.
void append_escaped(std::string& out, std::string_view plain);

// True when it is escaped as append_escaped does it: decoded and escaped again it is the same.
[[nodiscard]] bool is_plainly_escaped(JsonText text);

// True when nobody could read a word: nothing, or nothing but white space.
[[nodiscard]] bool is_blank(JsonText text);

// Appends JSON text without the white space between its tokens, such as line ends.
void append_compact(std::string& out, std::string_view json);

[[nodiscard]] bool is_utf8(std::string_view bytes);

// How many Unicode code points the text means; a surrogate pair is one.
[[nodiscard]] std::size_t code_points(JsonText text);

}  // namespace ccproxy::json
