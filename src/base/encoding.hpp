// Bytes as text. It refuses to know what they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ccproxy {

// Base64 with the alphabet that URLs take, without padding (RFC 4648, 5).
[[nodiscard]] std::string base64url(std::string_view bytes);

// Undoes base64url(); nothing for what it cannot have made.
[[nodiscard]] std::optional<std::string> base64url_decoded(std::string_view text);

// Base64 in its usual alphabet, padded (RFC 4648, 4).
[[nodiscard]] std::string base64(std::string_view bytes);

// What Base64 in its usual alphabet, with padding, stands for; nothing when it is not valid.
[[nodiscard]] std::optional<std::string> base64_decoded(std::string_view text);

// Two lower-case digits for each byte.
[[nodiscard]] std::string hex(std::string_view bytes);

// Percent-encodes all but the unreserved characters (RFC 3986, 2.3), so that the text can stand as
// a value in a query.
[[nodiscard]] std::string percent_encoded(std::string_view text);

// Forms write a blank as '+'; in all other places it is a '+'.
enum class Plus { kBlank, kPlus };

// Undoes percent-encoding. What is no valid escape stays.
[[nodiscard]] std::string percent_decoded(std::string_view text, Plus plus = Plus::kBlank);

// `text` where HTML shows it, or in a quoted attribute.
[[nodiscard]] std::string html_escaped(std::string_view text);

}  // namespace ccproxy
