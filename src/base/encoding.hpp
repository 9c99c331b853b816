// Encodings of bytes as text: Base64, hexadecimal, percent-encoding, HTML. It refuses to know what
// the bytes are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ccproxy {

// Base64 in the alphabet for URLs, without padding (RFC 4648, 5).
[[nodiscard]] std::string base64url(std::string_view bytes);

// Decodes the text of base64url(); nothing when it is not valid.
[[nodiscard]] std::optional<std::string> base64url_decoded(std::string_view text);

// Base64 in the standard alphabet, padded (RFC 4648, 4).
[[nodiscard]] std::string base64(std::string_view bytes);

// Decodes Base64 in the standard alphabet, with padding; nothing when it is not valid.
[[nodiscard]] std::optional<std::string> base64_decoded(std::string_view text);

// Hexadecimal, two lower-case digits for each byte.
[[nodiscard]] std::string hex(std::string_view bytes);

// Percent-encodes all but the unreserved characters (RFC 3986, 2.3), so that the text can stand as
// a value in a query.
[[nodiscard]] std::string percent_encoded(std::string_view text);

// What '+' means: a space in queries and forms, itself everywhere else.
enum class Plus { kBlank, kPlus };

// Decodes percent-encoding. A percent sign without two hexadecimal digits stays as it is.
[[nodiscard]] std::string percent_decoded(std::string_view text, Plus plus = Plus::kBlank);

// Escapes `text` for the content of an HTML element or a quoted attribute.
[[nodiscard]] std::string html_escaped(std::string_view text);

}  // namespace ccproxy
