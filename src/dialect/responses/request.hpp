// A Responses request becomes one of the Messages API (rules B.1 to B.3). Pure, as
// chat/request.hpp.
#pragma once

#include "base/error.hpp"
#include "dialect/request/context.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Fails with kInvalidRequest, and with kNotFound when the request names something that is not kept;
// the error names the field and a code of OpenAI's.
[[nodiscard]] Result<Decoded> decode_responses(const json::Outline& request,
                                               const RequestContext& context);

}  // namespace ccproxy::dialect
