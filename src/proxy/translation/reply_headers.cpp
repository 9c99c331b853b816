#include "proxy/translation/reply_headers.hpp"

#include "base/clock.hpp"
#include "base/text.hpp"
#include "base/timestamp.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMaxValue = 256;

// A value that comes from a client or a body, without anything that could end the line.
std::string plain(std::string_view value) {
  std::string out(value.substr(0, kMaxValue));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out;
}

// What every reply says about its request.
void append_notes(std::string& out, const ExchangeContext& exchange) {
  http::append_field(out, "date", http::http_date(WallClock::now()));
  const telemetry::Receipt& receipt = exchange.receipt;
  http::append_field(out, "x-ccproxy-upstream-model", plain(receipt.model_sent));
  if (!receipt.ignored.empty()) http::append_field(out, "x-ccproxy-ignored", receipt.ignored);
  if (!receipt.warning.empty()) http::append_field(out, "x-ccproxy-warning", receipt.warning);
  out += exchange.cors_fields;
}

}  // namespace

void append_warning(std::string& fields, std::string_view token) {
  constexpr std::string_view kName = "x-ccproxy-warning", kBegin = "x-ccproxy-warning: ";
  const auto at = fields.find(kBegin);
  if (at == std::string::npos) return http::append_field(fields, kName, token);
  fields.insert(at + kBegin.size(), std::string(token) + ", ");
}

std::vector<dialect::FieldView> field_views(const http::ResponseHead& head) {
  std::vector<dialect::FieldView> views;
  views.reserve(head.fields.size());
  for (const http::Field& field : head.fields) views.push_back({field.name, field.value});
  return views;
}

std::string reply_headers(const ExchangeContext& exchange, const http::ResponseHead& response) {
  std::string out;
  const std::string_view upstream_id = response.get("request-id");
  http::append_field(out, "x-request-id", upstream_id.empty() ? exchange.receipt.id : upstream_id);
  for (const auto& [name, value] : dialect::rate_limit_fields(field_views(response), wall_now()))
    http::append_field(out, name, value);
  append_notes(out, exchange);
  return out;
}

std::string base_reply_headers(const ExchangeContext& exchange) {
  std::string out;
  http::append_field(out, "x-request-id", exchange.receipt.id);
  append_notes(out, exchange);
  return out;
}

std::string error_headers(const ExchangeContext& exchange, const dialect::ErrorReply& error) {
  std::string out;
  for (const auto& [name, value] : error.fields) http::append_field(out, name, plain(value));
  append_notes(out, exchange);
  return out;
}

Task<Result<void>> send_error_reply(const ExchangeContext& exchange, dialect::ErrorReply error) {
  std::string fields;
  http::append_field(fields, "content-type", "application/json");
  fields += error_headers(exchange, error);
  exchange.receipt.status = error.status;
  co_return co_await exchange.sink.reply(error.status, fields, error.body);
}

}  // namespace ccproxy::proxy
