// What may be told of the text of an upstream error.
#pragma once

#include <string>
#include <string_view>

namespace ccproxy::dialect {

// The client's name of the field that an error message begins with: messages.3.content.0.text:
// becomes messages[3].content[0].text. Empty when the message names none, or one that the client
// has not sent.
[[nodiscard]] std::string client_param(std::string_view message);

// Without API keys, tokens and e-mail addresses: what looks like one becomes "***".
[[nodiscard]] std::string without_secrets(std::string_view message);

// The beginning of an answer that is not what was asked for, to be put behind a sentence that says
// so: on one line, in quotes, without secrets. "" for an answer that says nothing.
[[nodiscard]] std::string quoted_answer(std::string_view answer);

}  // namespace ccproxy::dialect
