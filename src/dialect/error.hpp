// Writes errors of this program in the dialect of the client. Errors of the upstream are not its
// business: they are passed through, or translated with the reply.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "dialect/dialect.hpp"

namespace ccproxy::dialect {

// The code of an error about a Host that this server does not serve.
inline constexpr std::string_view kMisdirectedRequest = "misdirected_request";

// The beginning of every message about a lost connection: a reply that ended early or never came,
// so that a retry may help. Agents retry when they read such words, so no other message has them.
inline constexpr std::string_view kConnectionLost = "connection lost: ";

// The message of the error for the client, in every dialect.
[[nodiscard]] std::string error_message(const Error& error);

// The HTTP status, which is the same in every dialect.
[[nodiscard]] int status_of(Dialect dialect, const Error& error);

// The JSON body. Only Anthropic's shape has `request_id`: OpenAI's clients read it from a header.
// OpenAI's shape has the error's own code, else the usual one of its kind. The code `upstream_auth`
// means that the credential for upstream is missing or refused, not the client's key.
[[nodiscard]] std::string error_body(Dialect dialect, const Error& error,
                                     std::string_view request_id);

}  // namespace ccproxy::dialect
