#include "dialect/reply/openai_error.hpp"

#include <algorithm>
#include <optional>

#include "anthropic/error.hpp"
#include "anthropic/refusal.hpp"
#include "base/text.hpp"
#include "dialect/error.hpp"
#include "dialect/reply/error_param.hpp"
#include "json/reader.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {
namespace {

// The members of upstream's error body; empty where it lacks them.
struct ParsedError {
  int status = 0;
  std::string type, message, detail, request_id;
  bool window_spent = false;  // the limit is a subscription's, not one of requests per minute
  std::string resets_at{};    // when that window ends, seconds since 1970
  anthropic::Refusal refusal{};
};

// How the client gets the error; an empty code is written as null.
struct ErrorMapping {
  int status;
  std::string_view type, code;
  bool is_final = false;  // the SDKs must not retry, though they would at this status
};

constexpr std::string_view kInvalid = "invalid_request_error";
constexpr std::string_view kServer = "server_error";

// `part` must be in lower case; the message may be in any case.
bool contains(std::string_view message, std::string_view part) {
  return lowered(message).find(part) != std::string::npos;
}

bool is_context_limit(const ParsedError& error) {
  return error.status == 400 && (contains(error.message, "prompt is too long") ||
                                 contains(error.message, "exceed context limit") ||
                                 contains(error.message, "context window") ||
                                 contains(error.message, "input is too long"));
}

// Recognises a limit that the account's owner has set: "You have reached your specified API usage
// limits. You will regain access on ...", or for a workspace "... your specified workspace API
// usage limits".
bool is_own_limit(std::string_view message) {
  return contains(message, "reached your specified") && contains(message, "usage limit");
}

bool is_out_of_money(const ParsedError& error) {
  return error.status == 402 || error.type == "billing_error" ||
         error.detail == "enforced_spend_limit_reached" ||
         (error.status == 400 &&
          (contains(error.message, "credit balance is too low") || is_own_limit(error.message)));
}

bool is_about_model(const ParsedError& error) { return contains(error.message, "model"); }

ErrorMapping map_error(const ParsedError& error) {
  if (is_out_of_money(error)) return {429, "insufficient_quota", "insufficient_quota", true};
  if (is_context_limit(error)) return {400, kInvalid, "context_length_exceeded"};
  switch (error.status) {
    case 400: return {400, kInvalid, ""};
    case 401: return {401, "authentication_error", "upstream_auth", true};
    case 403: return {403, "permission_error", "permission_denied"};
    case 404: return {404, kInvalid, is_about_model(error) ? "model_not_found" : ""};
    case 409: return {409, kInvalid, "conflict"};
    case 413: return {413, kInvalid, "request_too_large"};
    case 429:
      if (error.window_spent) return {429, "usage_limit_reached", "usage_limit_reached", true};
      return {429, "rate_limit_error", "rate_limit_exceeded"};
    case 500: return {500, kServer, kServer};
    case 504: return {504, kServer, "timeout"};
    case 529: return {503, kServer, "overloaded"};
    default: break;
  }
  if (error.status >= 400 && error.status < 500) return {error.status, kInvalid, ""};
  return {error.status >= 500 ? error.status : 502, kServer, ""};
}

std::string_view field(std::span<const FieldView> fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const FieldView& one) { return same_text(one.name, name); });
  return found == fields.end() ? std::string_view() : found->value;
}

// Agents retry when a message contains such a status number, so it is named only where that may
// help.
std::string silent_refusal(int status) {
  const bool may_pass = status >= 500 || status == 408 || status == 409 || status == 429;
  return may_pass ? "the upstream answered " + std::to_string(status) + " without saying why"
                  : "the upstream refused the request without saying why";
}

std::string text_in(std::string_view token) { return json::string_of(token).value_or(""); }

ParsedError read_body(int status, std::string_view body) {
  ParsedError error{status, "", "", "", ""};
  json::Reader outer, middle, inner;
  (void)outer.members_of_copy(body, [&](const json::Member& member) {
    if (member.key == "request_id") error.request_id = text_in(member.value);
    if (member.key != "error") return;
    (void)middle.members(member.value, [&](const json::Member& part) {
      if (part.key == "type") error.type = text_in(part.value);
      if (part.key == "message") error.message = text_in(part.value);
      if (part.key != "details" || !part.value.starts_with('{')) return;
      (void)inner.members(part.value, [&](const json::Member& detail) {
        if (detail.key == "error_code") error.detail = text_in(detail.value);
      });
    });
  });
  if (error.message.empty()) error.message = silent_refusal(status);
  return error;
}

// In Responses, upstream's messages are another list than the client's input, so an index into them
// means nothing to the client.
std::string param_of(Dialect dialect, const ParsedError& error, const ErrorMapping& mapping) {
  const bool is_responses = dialect == Dialect::kResponses;
  if (mapping.code == "context_length_exceeded") return is_responses ? "input" : "messages";
  if (mapping.code == "model_not_found") return "model";
  if (error.status != 400) return "";
  std::string param = client_param(error.message);
  return is_responses && param.starts_with("messages") ? "input" : param;
}

std::string message_of(const ParsedError& error) {
  std::string message = without_secrets(error.message);
  if (error.status == 401)
    message +=
        " (this is about the credential that CCProxy sends upstream, not about the client's key: "
        "`ccproxy login` signs in again)";
  if (error.refusal.is_final) {
    message.append(" (").append(error.refusal.meaning);
    if (error.refusal.meaning.find("API key") == std::string_view::npos)
      message += "; an API key is the supported way for other programs";
    message += ")";
  }
  return message;
}

json::Writer& write_or_null(json::Writer& writer, std::string_view name, std::string_view text) {
  return text.empty() ? writer.member(name, nullptr) : writer.member(name, text);
}

std::string body_of(Dialect dialect, const ParsedError& error, const ErrorMapping& mapping) {
  std::string body;
  json::Writer writer(body);
  writer.begin_object().key("error").begin_object();
  writer.member("message", message_of(error)).member("type", mapping.type);
  write_or_null(writer, "param", param_of(dialect, error, mapping));
  write_or_null(writer, "code", mapping.code);
  if (!error.resets_at.empty()) writer.key("resets_at").raw(error.resets_at);
  writer.end_object().end_object();
  return body;
}

void copy_field(Fields& out, std::span<const FieldView> from, std::string_view name,
                std::string_view as) {
  const auto value = field(from, name);
  if (!value.empty()) out.emplace_back(as, value);
}

// Adds the fields of OpenAI's `limit`, "requests" or "tokens", from upstream's fields of `family`.
void add_rate(Fields& out, std::span<const FieldView> fields, std::string_view family,
              std::string_view limit, Instant now) {
  const std::string from = "anthropic-ratelimit-" + std::string(family);
  for (const char* number : {"limit", "remaining"})
    copy_field(out, fields, from + "-" + number,
               "x-ratelimit-" + std::string(number) + "-" + std::string(limit));
  if (const auto reset = instant_of(field(fields, from + "-reset")))
    out.emplace_back("x-ratelimit-reset-" + std::string(limit), duration_text(*reset - now));
}

ParsedError read_failure(const anthropic::Failure& failure) {
  ParsedError error;
  json::append_decoded(error.type, failure.type);
  json::append_decoded(error.message, failure.message);
  error.status = anthropic::status_of_type(error.type).value_or(500);
  if (!error.message.empty()) return error;
  if (error.status >= 500) error.message = kConnectionLost;
  error.message += "the upstream ended its answer with an error";
  return error;
}

ErrorReply reply_of(Dialect dialect, const ParsedError& error, std::span<const FieldView> fields,
                    std::string_view own_request_id, Instant now) {
  const ErrorMapping mapping = map_error(error);
  ErrorReply reply{mapping.status, body_of(dialect, error, mapping)};
  auto request_id = field(fields, "request-id");
  if (request_id.empty()) request_id = error.request_id;
  if (request_id.empty()) request_id = own_request_id;
  reply.fields.emplace_back("x-request-id", request_id);
  copy_field(reply.fields, fields, "retry-after", "retry-after");
  if (mapping.is_final || error.refusal.is_final)
    reply.fields.emplace_back("x-should-retry", "false");
  else
    copy_field(reply.fields, fields, "x-should-retry", "x-should-retry");
  for (auto& rate : rate_limit_fields(fields, now)) reply.fields.push_back(std::move(rate));
  return reply;
}

}  // namespace

Fields openai_rate_limit_fields(std::span<const FieldView> fields, Instant now) {
  Fields out;
  add_rate(out, fields, "requests", "requests", now);
  const bool has_sum = !field(fields, "anthropic-ratelimit-tokens-limit").empty();
  add_rate(out, fields, has_sum ? "tokens" : "input-tokens", "tokens", now);
  return out;
}

Fields rate_limit_fields(std::span<const FieldView> fields, Instant now) {
  Fields out = openai_rate_limit_fields(fields, now);
  for (const FieldView& each : fields)
    if (lowered(each.name).starts_with("anthropic-ratelimit-"))
      out.emplace_back(each.name, each.value);
  return out;
}

ErrorReply openai_error(Dialect dialect, const UpstreamError& response,
                        std::string_view own_request_id, Instant now) {
  ParsedError error = read_body(response.status, response.body);
  error.window_spent =
      same_text(field(response.fields, "anthropic-ratelimit-unified-status"), "rejected");
  const auto resets = parse_decimal(field(response.fields, "anthropic-ratelimit-unified-reset"));
  if (error.status == 429 && error.window_spent && resets)
    error.resets_at = std::to_string(*resets);
  error.refusal = anthropic::refusal_of(response.status, response.body);
  ErrorReply reply = reply_of(dialect, error, response.fields, own_request_id, now);
  reply.fields.emplace_back("x-ccproxy-upstream-status", std::to_string(response.status));
  return reply;
}

ErrorReply openai_error(Dialect dialect, const anthropic::Failure& failure) {
  const ParsedError error = read_failure(failure);
  const ErrorMapping mapping = map_error(error);
  return {mapping.status, body_of(dialect, error, mapping)};
}

OpenAiFailure openai_failure(const anthropic::Failure& failure) {
  const ParsedError error = read_failure(failure);
  const ErrorMapping mapping = map_error(error);
  return {mapping.status, mapping.code, message_of(error)};
}

ErrorReply openai_error(Dialect dialect, const anthropic::Failure& failure,
                        std::span<const FieldView> fields, std::string_view own_request_id,
                        Instant now) {
  return reply_of(dialect, read_failure(failure), fields, own_request_id, now);
}

}  // namespace ccproxy::dialect
