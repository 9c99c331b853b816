// A Responses request becomes one of the Messages API (rules B.1 to B.3). The function is pure, as
// those of chat/request.hpp.
#pragma once

#include "base/error.hpp"
#include "dialect/request/context.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Fails with kInvalidRequest, and with kNotFound when the request refers to something that is not
// stored. The error names the field and has a code of OpenAI's.
[[nodiscard]] Result<Decoded> decode_responses(const json::Outline& request,
                                               const RequestContext& context);

}  // namespace ccproxy::dialect
