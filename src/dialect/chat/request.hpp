// A Chat Completions request becomes one of the Messages API (rules A.1 to A.7, A.11). The
// functions are pure: the same request and context always give the same bytes. Strings are copied
// with their escapes, as they stand in the client's JSON.
#pragma once

#include "base/error.hpp"
#include "dialect/request/context.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Fails with kInvalidRequest. The error names the field and has a code of OpenAI's.
[[nodiscard]] Result<Decoded> decode_chat(const json::Outline& request,
                                          const RequestContext& context);

// The same for the legacy /v1/completions, whose prompt becomes one message of the user.
[[nodiscard]] Result<Decoded> decode_completion(const json::Outline& request,
                                                const RequestContext& context);

}  // namespace ccproxy::dialect
