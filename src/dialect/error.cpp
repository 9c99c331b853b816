#include "dialect/error.hpp"

#include "anthropic/error.hpp"
#include "base/status.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {
namespace {

// The type and the code of an error in OpenAI's API; an empty code is written as null.
struct ErrorMapping {
  std::string_view type, code;
};

constexpr std::string_view kInvalid = "invalid_request_error";
constexpr std::string_view kServer = "server_error";
constexpr std::string_view kUpstreamAuth = "upstream_auth";

ErrorMapping map_error(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kTooLarge: return {kInvalid, "request_too_large"};
    case ErrorKind::kInvalidRequest:
    case ErrorKind::kHeadTooLarge:
    case ErrorKind::kUnsupportedCoding:
    case ErrorKind::kNotFound:
    case ErrorKind::kMethodNotAllowed:
    case ErrorKind::kClientStalled: return {kInvalid, ""};
    case ErrorKind::kUnauthorized:
      if (error.code == kUpstreamAuth) return {"authentication_error", kUpstreamAuth};
      return {kInvalid, "invalid_api_key"};
    case ErrorKind::kForbidden: return {"permission_error", "permission_denied"};
    case ErrorKind::kBusy: return {kServer, "overloaded"};
    case ErrorKind::kUpstreamUnreachable:
    case ErrorKind::kUpstreamBroke:
    case ErrorKind::kClosed: return {kServer, "upstream_unreachable"};
    case ErrorKind::kTimedOut: return {kServer, "timeout"};
    case ErrorKind::kClientGone:
    case ErrorKind::kShutdown:
    case ErrorKind::kConfiguration:
    case ErrorKind::kIo:
    case ErrorKind::kInternal: return {kServer, kServer};
  }
  return {kServer, kServer};
}

// True when the connection was lost. An untrusted certificate is excluded: a retry cannot help.
bool is_connection_lost(const Error& error) {
  if (error.code == "upstream_untrusted") return false;
  switch (error.kind) {
    case ErrorKind::kUpstreamUnreachable:
    case ErrorKind::kUpstreamBroke:
    case ErrorKind::kTimedOut:
    case ErrorKind::kClosed:
    case ErrorKind::kShutdown: return true;
    default: return false;
  }
}

json::Writer& write_or_null(json::Writer& writer, std::string_view name, std::string_view text) {
  return text.empty() ? writer.member(name, nullptr) : writer.member(name, text);
}

std::string openai_body(const Error& error) {
  const ErrorMapping mapping = map_error(error);
  std::string body;
  json::Writer writer(body);
  writer.begin_object().key("error").begin_object();
  writer.member("message", error_message(error)).member("type", mapping.type);
  write_or_null(writer, "param", error.param);
  write_or_null(writer, "code", error.code.empty() ? mapping.code : error.code);
  writer.end_object().end_object();
  return body;
}

}  // namespace

// The place of an internal error is written to the log alone.
std::string error_message(const Error& error) {
  if (error.kind == ErrorKind::kInternal)
    return "CCProxy has failed with an internal error; its log has the details.";
  if (is_connection_lost(error)) return std::string(kConnectionLost) + error.message;
  return error.message;
}

int status_of(Dialect, const Error& error) {
  return error.code == kMisdirectedRequest ? status::kMisdirectedRequest
                                           : anthropic::status_of(error.kind);
}

std::string error_body(Dialect dialect, const Error& error, std::string_view request_id) {
  if (dialect != Dialect::kMessages) return openai_body(error);
  return anthropic::error_body(anthropic::error_type(error.kind), error_message(error), request_id);
}

}  // namespace ccproxy::dialect
