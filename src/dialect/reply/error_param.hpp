// What a client may learn from the message of an upstream error.
#pragma once

#include <string>
#include <string_view>

namespace ccproxy::dialect {

// Returns the client's name of the field that an error message begins with:
// "messages.3.content.0.text:" becomes messages[3].content[0].text. Returns "" when the message
// names no field, or one that the client cannot have sent.
[[nodiscard]] std::string client_param(std::string_view message);

// Returns the message with each word that looks like an API key, a token or an e-mail address
// replaced by "***".
[[nodiscard]] std::string without_secrets(std::string_view message);

// Returns the beginning of a body that the upstream should not have sent, to follow a sentence that
// says so: a colon, then at most 300 bytes on one line, in quotation marks and without secrets.
// Returns "" for a blank body.
[[nodiscard]] std::string quoted_excerpt(std::string_view body);

}  // namespace ccproxy::dialect
