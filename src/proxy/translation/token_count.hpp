// The reply to a Responses request that only wants its tokens counted: what the upstream's
// count_tokens endpoint says, as the object of the Responses API. It refuses to know how the
// request was translated.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "proxy/door/routes.hpp"
#include "proxy/translation/context.hpp"

namespace ccproxy::proxy {

// The `response.input_tokens` object for the body of a count_tokens response; nothing when that
// body has no count.
[[nodiscard]] std::optional<std::string> token_count_object(std::string_view body);

// Reads the body of the response with that head and sends the count, or the error that stands in
// its place. Fails, before anything is sent, when the body breaks off or has neither.
[[nodiscard]] Task<Result<void>> send_token_count(const ExchangeContext& exchange,
                                                  const Route& route,
                                                  const http::ResponseHead& head);

}  // namespace ccproxy::proxy
