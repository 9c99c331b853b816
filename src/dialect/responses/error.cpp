#include "dialect/responses/error.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "base/status.hpp"
#include "dialect/error.hpp"
#include "dialect/reply/openai_error.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::int64_t kDefaultWait = 5;  // seconds
constexpr std::string_view kRateLimit = "rate_limit_exceeded";

bool is_of_this_server(ErrorKind kind) {
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
  OpenAiFailure told = openai_failure(failure);
  // Codex looks for the time in the words; an event in a stream does not name one.
  if (told.code == kRateLimit)
    return {kRateLimit, fmt::format("{} Please try again in {}s.", told.message,
                                    failure.retry_after.value_or(kDefaultWait))};
  if (told.code == "context_length_exceeded" || told.code == "insufficient_quota")
    return {told.code, std::move(told.message)};
  return {told.status >= status::kFirstServerError ? "server_error" : "invalid_prompt",
          std::move(told.message)};
}

ResponseFailure response_failure(const Error& error) {
  return {is_of_this_server(error.kind) ? "server_error" : "invalid_prompt", error_message(error)};
}

}  // namespace ccproxy::dialect
