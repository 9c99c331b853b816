// Upstream's errors as OpenAI's clients expect them. The type and the code decide whether a client
// retries, compacts its context or gives up. dialect/error writes our own errors.
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

// A response of the upstream that is no success.
struct UpstreamError {
  int status;
  std::string_view body;
  std::span<const FieldView> fields;
};

struct ErrorReply {
  int status;
  std::string body;  // {"error":{"message","type","param","code"}}
  Fields fields{};   // header fields of the reply
};

// `dialect` decides how `param` names the client's fields. `own_request_id` is used when upstream
// named no request id. The resets of rate limits are written as durations from `now`.
[[nodiscard]] ErrorReply openai_error(Dialect dialect, const UpstreamError& response,
                                      std::string_view own_request_id, Instant now);

// The same for an error event of a stream, with the status for a client that has got nothing yet.
[[nodiscard]] ErrorReply openai_error(Dialect dialect, const anthropic::Failure& failure);
// The same with the header fields for such a client; `fields` are those of upstream's response.
[[nodiscard]] ErrorReply openai_error(Dialect dialect, const anthropic::Failure& failure,
                                      std::span<const FieldView> fields,
                                      std::string_view own_request_id, Instant now);

// What an error event means in OpenAI's words; `code` is empty where OpenAI has none.
struct OpenAiFailure {
  int status;
  std::string_view code;
  std::string message;
};
[[nodiscard]] OpenAiFailure openai_failure(const anthropic::Failure& failure);

// Returns x-ratelimit-* fields from anthropic-ratelimit-* fields; successful replies have them,
// too.
[[nodiscard]] Fields openai_rate_limit_fields(std::span<const FieldView> fields, Instant now);

// Returns the same and upstream's own fields, which alone describe the windows of a subscription.
[[nodiscard]] Fields rate_limit_fields(std::span<const FieldView> fields, Instant now);

}  // namespace ccproxy::dialect
