// A Chat Completions request becomes one of the Messages API (rules A.1 to A.7, A.11).
// Pure: the same request and context always give the same bytes. Strings travel as they stand in
// the client's JSON, escapes and all.
#pragma once

#include "base/error.hpp"
#include "dialect/request/context.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Fails with kInvalidRequest; the error names the field and a code of OpenAI's.
[[nodiscard]] Result<Decoded> decode_chat(const json::Outline& request,
                                          const RequestContext& context);

// The legacy /v1/completions: its prompt becomes one user message.
[[nodiscard]] Result<Decoded> decode_completion(const json::Outline& request,
                                                const RequestContext& context);

}  // namespace ccproxy::dialect
