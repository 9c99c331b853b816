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

// What upstream's error body says; empty where it says nothing.
struct ParsedError {
  int status = 0;
  std::string type, message, detail, request_id;
  bool window_spent = false;  // a subscription's limit, not one of requests a minute
  std::string resets_at{};    // of that window, seconds since 1970
  anthropic::Refusal refusal{};
};

// How it is told to the client; an empty code is written as null.
struct ErrorMapping {
  int status;
  std::string_view type, code;
  bool final = false;  // the SDKs would retry the status; this one they must not
};

constexpr std::string_view kInvalid = "invalid_request_error";
constexpr std::string_view kServer = "server_error";

// `part` in lower case, in a message of any case.
bool has(std::string_view message, std::string_view part) {
  return lowered(message).find(part) != std::string::npos;
}

bool is_context_limit(const ParsedError& told) {
  return told.status == 400 &&
         (has(told.message, "prompt is too long") || has(told.message, "exceed context limit") ||
          has(told.message, "context window") || has(told.message, "input is too long"));
}

// A limit that the account's owner has set: "You have reached your specified API usage limits. You
// will regain access on ...", of a workspace "... your specified workspace API usage limits".
bool is_own_limit(std::string_view message) {
  return has(message, "reached your specified") && has(message, "usage limit");
}

bool is_out_of_money(const ParsedError& told) {
  return told.status == 402 || told.type == "billing_error" ||
         told.detail == "enforced_spend_limit_reached" ||
         (told.status == 400 &&
          (has(told.message, "credit balance is too low") || is_own_limit(told.message)));
}

bool is_about_model(const ParsedError& told) { return has(told.message, "model"); }

ErrorMapping map_error(const ParsedError& told) {
  if (is_out_of_money(told)) return {429, "insufficient_quota", "insufficient_quota", true};
  if (is_context_limit(told)) return {400, kInvalid, "context_length_exceeded"};
  switch (told.status) {
    case 400: return {400, kInvalid, ""};
    case 401: return {401, "authentication_error", "upstream_auth", true};
    case 403: return {403, "permission_error", "permission_denied"};
    case 404: return {404, kInvalid, is_about_model(told) ? "model_not_found" : ""};
    case 409: return {409, kInvalid, "conflict"};
    case 413: return {413, kInvalid, "request_too_large"};
    case 429:
      if (told.window_spent) return {429, "usage_limit_reached", "usage_limit_reached", true};
      return {429, "rate_limit_error", "rate_limit_exceeded"};
    case 500: return {500, kServer, kServer};
    case 504: return {504, kServer, "timeout"};
    case 529: return {503, kServer, "overloaded"};
    default: break;
  }
  if (told.status >= 400 && told.status < 500) return {told.status, kInvalid, ""};
  return {told.status >= 500 ? told.status : 502, kServer, ""};
}

std::string_view field(std::span<const FieldView> fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const FieldView& one) { return same_text(one.name, name); });
  return found == fields.end() ? std::string_view() : found->value;
}

// Agents ask again where they read such a number: it stands where that may help.
std::string silent_refusal(int status) {
  const bool may_pass = status >= 500 || status == 408 || status == 409 || status == 429;
  return may_pass ? "the upstream answered " + std::to_string(status) + " without saying why"
                  : "the upstream refused the request without saying why";
}

std::string text_in(std::string_view token) { return json::string_of(token).value_or(""); }

ParsedError read_body(int status, std::string_view body) {
  ParsedError told{status, "", "", "", ""};
  json::Reader outer, middle, inner;
  (void)outer.members_of_copy(body, [&](const json::Member& member) {
    if (member.key == "request_id") told.request_id = text_in(member.value);
    if (member.key != "error") return;
    (void)middle.members(member.value, [&](const json::Member& part) {
      if (part.key == "type") told.type = text_in(part.value);
      if (part.key == "message") told.message = text_in(part.value);
      if (part.key != "details" || !part.value.starts_with('{')) return;
      (void)inner.members(part.value, [&](const json::Member& detail) {
        if (detail.key == "error_code") told.detail = text_in(detail.value);
      });
    });
  });
  if (told.message.empty()) told.message = silent_refusal(status);
  return told;
}

// Where upstream's messages are another list than the client's input, a place in them means
// nothing.
std::string param_of(Dialect dialect, const ParsedError& told, const ErrorMapping& sort) {
  const bool is_responses = dialect == Dialect::kResponses;
  if (sort.code == "context_length_exceeded") return is_responses ? "input" : "messages";
  if (sort.code == "model_not_found") return "model";
  if (told.status != 400) return "";
  std::string param = client_param(told.message);
  return is_responses && param.starts_with("messages") ? "input" : param;
}

std::string message_of(const ParsedError& told) {
  std::string message = without_secrets(told.message);
  if (told.status == 401)
    message +=
        " (this is about the credential that CCProxy sends upstream, not about the client's key: "
        "`ccproxy login` signs in again)";
  if (told.refusal.is_final) {
    message.append(" (").append(told.refusal.meaning);
    if (told.refusal.meaning.find("API key") == std::string_view::npos)
      message += "; an API key is the supported way for other programs";
    message += ")";
  }
  return message;
}

json::Writer& write_or_null(json::Writer& writer, std::string_view name, std::string_view text) {
  return text.empty() ? writer.member(name, nullptr) : writer.member(name, text);
}

std::string body_of(Dialect dialect, const ParsedError& told, const ErrorMapping& sort) {
  std::string body;
  json::Writer writer(body);
  writer.begin_object().key("error").begin_object();
  writer.member("message", message_of(told)).member("type", sort.type);
  write_or_null(writer, "param", param_of(dialect, told, sort));
  write_or_null(writer, "code", sort.code);
  if (!told.resets_at.empty()) writer.key("resets_at").raw(told.resets_at);
  writer.end_object().end_object();
  return body;
}

void copy_field(Fields& out, std::span<const FieldView> from, std::string_view name,
                std::string_view as) {
  const auto value = field(from, name);
  if (!value.empty()) out.emplace_back(as, value);
}

// "requests" or "tokens" as OpenAI names them, from the family of fields that upstream sends.
void add_rate(Fields& out, std::span<const FieldView> fields, std::string_view family,
              std::string_view what, Instant now) {
  const std::string from = "anthropic-ratelimit-" + std::string(family);
  for (const char* number : {"limit", "remaining"})
    copy_field(out, fields, from + "-" + number,
               "x-ratelimit-" + std::string(number) + "-" + std::string(what));
  if (const auto reset = instant_of(field(fields, from + "-reset")))
    out.emplace_back("x-ratelimit-reset-" + std::string(what), duration_text(*reset - now));
}

ParsedError read_failure(const anthropic::Failure& failure) {
  ParsedError told;
  json::append_decoded(told.type, failure.type);
  json::append_decoded(told.message, failure.message);
  told.status = anthropic::status_of_type(told.type).value_or(500);
  if (!told.message.empty()) return told;
  if (told.status >= 500) told.message = kConnectionLost;
  told.message += "the upstream ended its answer with an error";
  return told;
}

ErrorReply reply_of(Dialect dialect, const ParsedError& told, std::span<const FieldView> fields,
                    std::string_view own_request_id, Instant now) {
  const ErrorMapping sort = map_error(told);
  ErrorReply reply{sort.status, body_of(dialect, told, sort)};
  auto request_id = field(fields, "request-id");
  if (request_id.empty()) request_id = told.request_id;
  if (request_id.empty()) request_id = own_request_id;
  reply.fields.emplace_back("x-request-id", request_id);
  copy_field(reply.fields, fields, "retry-after", "retry-after");
  if (sort.final || told.refusal.is_final)
    reply.fields.emplace_back("x-should-retry", "false");
  else
    copy_field(reply.fields, fields, "x-should-retry", "x-should-retry");
  for (auto& rate : limit_fields(fields, now)) reply.fields.push_back(std::move(rate));
  return reply;
}

}  // namespace

Fields openai_rate_fields(std::span<const FieldView> fields, Instant now) {
  Fields out;
  add_rate(out, fields, "requests", "requests", now);
  const bool has_sum = !field(fields, "anthropic-ratelimit-tokens-limit").empty();
  add_rate(out, fields, has_sum ? "tokens" : "input-tokens", "tokens", now);
  return out;
}

Fields limit_fields(std::span<const FieldView> fields, Instant now) {
  Fields out = openai_rate_fields(fields, now);
  for (const FieldView& each : fields)
    if (lowered(each.name).starts_with("anthropic-ratelimit-"))
      out.emplace_back(each.name, each.value);
  return out;
}

ErrorReply openai_error(Dialect dialect, const UpstreamError& error,
                        std::string_view own_request_id, Instant now) {
  ParsedError told = read_body(error.status, error.body);
  told.window_spent =
      same_text(field(error.fields, "anthropic-ratelimit-unified-status"), "rejected");
  const auto resets = parse_decimal(field(error.fields, "anthropic-ratelimit-unified-reset"));
  if (error.status == 429 && told.window_spent && resets) told.resets_at = std::to_string(*resets);
  told.refusal = anthropic::refusal_of(error.status, error.body);
  ErrorReply reply = reply_of(dialect, told, error.fields, own_request_id, now);
  reply.fields.emplace_back("x-ccproxy-upstream-status", std::to_string(error.status));
  return reply;
}

ErrorReply openai_error(Dialect dialect, const anthropic::Failure& failure) {
  const ParsedError told = read_failure(failure);
  const ErrorMapping sort = map_error(told);
  return {sort.status, body_of(dialect, told, sort)};
}

OpenAiFailure openai_failure(const anthropic::Failure& failure) {
  const ParsedError told = read_failure(failure);
  const ErrorMapping sort = map_error(told);
  return {sort.status, sort.code, message_of(told)};
}

ErrorReply openai_error(Dialect dialect, const anthropic::Failure& failure,
                        std::span<const FieldView> fields, std::string_view own_request_id,
                        Instant now) {
  return reply_of(dialect, read_failure(failure), fields, own_request_id, now);
}

}  // namespace ccproxy::dialect
