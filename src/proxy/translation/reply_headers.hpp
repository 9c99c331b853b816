// The fields that stand in the head of a translated reply beside those of its form.
#pragma once

#include <string>
#include <vector>

#include "dialect/reply/openai_error.hpp"
#include "http/head.hpp"
#include "proxy/translation/context.hpp"

namespace ccproxy::proxy {

// Views of the head's fields, as the dialects take them.
[[nodiscard]] std::vector<dialect::FieldView> field_views(const http::ResponseHead& head);

// Of an answer, as lines: which model gave it, what became of the request on the way, how much of
// the account's limits is left.
[[nodiscard]] std::string reply_headers(const ExchangeContext& exchange,
                                        const http::ResponseHead& answer);

// Adds a warning that came up when the lines stood already.
void append_warning(std::string& fields, std::string_view token);

// Of an answer that the upstream has not begun.
[[nodiscard]] std::string base_reply_headers(const ExchangeContext& exchange);

// Of an error of the upstream's.
[[nodiscard]] std::string error_headers(const ExchangeContext& exchange,
                                        const dialect::ErrorReply& reply);

}  // namespace ccproxy::proxy
