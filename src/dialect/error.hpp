// Errors that this program makes itself, told in the language of the client. Upstream's own errors
// are another matter: they pass, or are translated with the answer.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "dialect/dialect.hpp"

namespace ccproxy::dialect {

// The code of an error about the address that a request names: one which nobody here answers for.
inline constexpr std::string_view kMisdirectedRequest = "misdirected_request";

// What the message of every break begins with: of an answer that stopped before its end, or never
// came, so that asking again may help. Agents go by such words, and ask again where they stand; so
// no other message of ours has them.
inline constexpr std::string_view kConnectionLost = "connection lost: ";

// What a client is told of an error, in every dialect.
[[nodiscard]] std::string error_message(const Error& error);

// The same status in every dialect.
[[nodiscard]] int status_of(Dialect dialect, const Error& error);

// The JSON body. `request_id` stands in Anthropic's shape only: OpenAI's clients read it from a
// header. OpenAI's shape takes the error's own code where it has one, else the usual one of the
// kind; the code upstream_auth says that the credential which goes upstream is missing or refused,
// so that nobody looks for the fault in the client's key.
[[nodiscard]] std::string error_body(Dialect dialect, const Error& error,
                                     std::string_view request_id);

}  // namespace ccproxy::dialect
