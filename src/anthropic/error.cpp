#include "anthropic/error.hpp"

#include <array>
#include <utility>

#include "json/reader.hpp"
#include "json/writer.hpp"

namespace ccproxy::anthropic {

std::string error_body(std::string_view type, std::string_view message,
                       std::string_view request_id) {
  std::string body;
  json::Writer writer(body);
  writer.begin_object().member("type", "error");
  writer.key("error").begin_object().member("type", type).member("message", message).end_object();
  if (!request_id.empty()) writer.member("request_id", request_id);
  writer.end_object();
  return body;
}

ApiError read_error(std::string_view body) {
  ApiError error;
  json::Reader outer, inner;
  const auto take = [&](const json::Member& member) {
    if (member.key == "type") error.type = json::string_of(member.value).value_or("");
    if (member.key == "message") error.message = json::string_of(member.value).value_or("");
  };
  (void)outer.members_of_copy(body, [&](const json::Member& member) {
    if (member.key == "error") (void)inner.members_of_copy(member.value, take);
  });
  return error;
}

std::string_view error_type(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 402: return "billing_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 504: return "timeout_error";
    case 529: return "overloaded_error";
    default: return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

std::optional<int> status_of_type(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, int>, 11> kStatus = {{
      {"invalid_request_error", 400},
      {"authentication_error", 401},
      {"billing_error", 402},
      {"permission_error", 403},
      {"not_found_error", 404},
      {"conflict_error", 409},
      {"request_too_large", 413},
      {"rate_limit_error", 429},
      {"api_error", 500},
      {"timeout_error", 504},
      {"overloaded_error", 529},
  }};
  for (const auto& [name, status] : kStatus)
    if (name == type) return status;
  return std::nullopt;
}

std::string_view error_type(ErrorKind kind) { return error_type(status_of(kind)); }

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidRequest: return 400;
    case ErrorKind::kTooLarge: return 413;
    case ErrorKind::kHeadTooLarge: return 431;
    case ErrorKind::kUnsupportedCoding: return 415;
    case ErrorKind::kUnauthorized: return 401;
    case ErrorKind::kForbidden: return 403;
    case ErrorKind::kNotFound: return 404;
    case ErrorKind::kMethodNotAllowed: return 405;
    case ErrorKind::kClientStalled: return 408;
    case ErrorKind::kBusy:
    case ErrorKind::kShutdown: return 503;
    case ErrorKind::kUpstreamUnreachable:
    case ErrorKind::kUpstreamBroke:
    case ErrorKind::kClosed: return 502;
    case ErrorKind::kTimedOut: return 504;
    case ErrorKind::kClientGone:
    case ErrorKind::kConfiguration:
    case ErrorKind::kIo:
    case ErrorKind::kInternal: return 500;
  }
  return 500;
}

}  // namespace ccproxy::anthropic
