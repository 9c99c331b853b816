// Upstream's errors as OpenAI's clients expect them: which of them retry, compact their context or
// give up hangs on the type and the code. Our own errors are told by dialect/error.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anthropic/event.hpp"
#include "base/timestamp.hpp"
#include "dialect/dialect.hpp"

namespace ccproxy::dialect {

struct FieldView {
  std::string_view name, value;
};
using Fields = std::vector<std::pair<std::string, std::string>>;

// An answer of the upstream that is no success, whole.
struct UpstreamError {
  int status;
  std::string_view body;
  std::span<const FieldView> fields;
};

struct ErrorReply {
  int status;
  std::string body;  // {"error":{"message","type","param","code"}}
  Fields fields{};   // to be sent with it
};

// `dialect` decides what the client's fields are called. `own_request_id` stands in when upstream
// named none; `now` is for the times that rate limits are told in.
[[nodiscard]] ErrorReply openai_error(Dialect dialect, const UpstreamError& error,
                                      std::string_view own_request_id, Instant now);

// An error event in the middle of a stream: the same words, and the status for a client to which
// nothing has gone yet.
[[nodiscard]] ErrorReply openai_error(Dialect dialect, const anthropic::Failure& failure);
// The same for such a client, with what the answer's head had to say.
[[nodiscard]] ErrorReply openai_error(Dialect dialect, const anthropic::Failure& failure,
                                      std::span<const FieldView> fields,
                                      std::string_view own_request_id, Instant now);

// What an error event means, in OpenAI's words: `code` is empty where it has none.
struct OpenAiFailure {
  int status;
  std::string_view code;
  std::string message;
};
[[nodiscard]] OpenAiFailure openai_failure(const anthropic::Failure& failure);

// x-ratelimit-* from anthropic-ratelimit-*, for successes too.
[[nodiscard]] Fields openai_rate_fields(std::span<const FieldView> fields, Instant now);

// These, and the upstream's own: a subscription's windows have no other names.
[[nodiscard]] Fields limit_fields(std::span<const FieldView> fields, Instant now);

}  // namespace ccproxy::dialect
