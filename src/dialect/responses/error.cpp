#include "dialect/responses/error.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "base/status.hpp"
#include "dialect/error.hpp"
#include "dialect/reply/openai_error.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::int64_t kDefaultRetryAfter = 5;  // seconds
constexpr std::string_view kRateLimit = "rate_limit_exceeded";

// False where the request is at fault, so that sending it again is of no use.
bool is_server_error(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidRequest:
    case ErrorKind::kTooLarge:
    case ErrorKind::kUnauthorized:
    case ErrorKind::kForbidden:
    case ErrorKind::kNotFound: return false;
    default: return true;
  }
}

}  // namespace

ResponseFailure response_failure(const anthropic::Failure& failure) {
  OpenAiFailure error = openai_failure(failure);
  // Codex reads the time to wait from the message. An error event of a stream has none, so the
  // message gets a default.
  if (error.code == kRateLimit)
    return {kRateLimit, fmt::format("{} Please try again in {}s.", error.message,
                                    failure.retry_after.value_or(kDefaultRetryAfter))};
  if (error.code == "context_length_exceeded" || error.code == "insufficient_quota")
    return {error.code, std::move(error.message)};
  return {error.status >= status::kFirstServerError ? "server_error" : "invalid_prompt",
          std::move(error.message)};
}

ResponseFailure response_failure(const Error& error) {
  return {is_server_error(error.kind) ? "server_error" : "invalid_prompt", error_message(error)};
}

}  // namespace ccproxy::dialect
