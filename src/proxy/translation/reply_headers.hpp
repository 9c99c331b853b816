// The header fields of a translated reply, beside those that its body needs, and the reply that is
// an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "dialect/reply/openai_error.hpp"
#include "http/head.hpp"
#include "proxy/translation/context.hpp"

namespace ccproxy::proxy {

// Views of the head's fields in the type that the dialects take. `head` must outlive them.
[[nodiscard]] std::vector<dialect::FieldView> field_views(const http::ResponseHead& head);

// Fields are returned as lines, each with its CRLF. All of them say when the reply was made, to
// which model the request went, and what of it was ignored or changed; the CORS fields are among
// them.

// Of a reply to a response that the upstream has begun, with what that says of rate limits.
[[nodiscard]] std::string reply_headers(const ExchangeContext& exchange,
                                        const http::ResponseHead& response);

// Of a reply that is sent before there is a response.
[[nodiscard]] std::string base_reply_headers(const ExchangeContext& exchange);

// Of an error, with the fields that it brings.
[[nodiscard]] std::string error_headers(const ExchangeContext& exchange,
                                        const dialect::ErrorReply& error);

// Adds a warning to lines that are complete.
void append_warning(std::string& fields, std::string_view token);

// Sends the error as the whole reply, and notes its status in the receipt.
[[nodiscard]] Task<Result<void>> send_error_reply(const ExchangeContext& exchange,
                                                  dialect::ErrorReply error);

}  // namespace ccproxy::proxy
