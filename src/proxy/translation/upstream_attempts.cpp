#include "proxy/translation/upstream_attempts.hpp"

#include <random>
#include <utility>

#include "anthropic/capabilities.hpp"
#include "anthropic/error.hpp"
#include "anthropic/headers.hpp"
#include "anthropic/refusal.hpp"
#include "base/status.hpp"
#include "base/text.hpp"
#include "base/timestamp.hpp"
#include "proxy/state/model_resolver.hpp"
#include "proxy/translation/retry.hpp"

namespace ccproxy::proxy {
namespace {

double jitter() {
  std::random_device device;
  return std::uniform_real_distribution<double>(0, 1)(device);
}

// The head that goes upstream. Of the client's own head it has the anthropic-beta fields alone.
struct OutgoingHead {
  OutgoingHead(const http::RequestHead& client, const std::vector<std::string>& needed) {
    std::vector<std::string_view> lines;
    for (const http::Field& field : client.fields)
      if (same_text(field.name, "anthropic-beta")) lines.push_back(field.value);
    const std::vector<std::string_view> ours(needed.begin(), needed.end());
    betas = anthropic::merge_betas(lines, ours);
    head.method = "POST";
    head.fields = {{"content-type", "application/json"}, {"accept", "text/event-stream"}};
    if (!betas.empty()) head.fields.push_back({"anthropic-beta", betas});
  }

  std::string betas;
  http::RequestHead head;
};

}  // namespace

Task<Result<http::ResponseHead>> UpstreamAttempts::send() {
  while (true) {
    auto head = co_await send_once();
    if (head && head->status == status::kOk) co_return head;
    error_body_.clear();
    if (head) {
      error_body_ = co_await read_error_body(*head);
      auto is_changed = co_await change_request(*head);
      if (!is_changed) co_return fail(is_changed.error());
      if (*is_changed) continue;
    }
    const auto wait = retry_wait(head);
    if (!wait) co_return head;
    ++exchange_.receipt.retries;
    auto waited = co_await exchange_.upstream.pause(*wait);
    if (!waited) co_return fail(waited.error());
  }
}

Task<Result<http::ResponseHead>> UpstreamAttempts::send_once() {
  const OutgoingHead outgoing(exchange_.head, request_.decoded.betas);
  std::string path = exchange_.upstream.prefix();
  path += path_;
  const UpstreamTarget target{outgoing.head, std::move(path), false};
  auto head = co_await exchange_.upstream.send(target, request_.decoded.body);
  co_return head;
}

Task<std::string> UpstreamAttempts::read_error_body(const http::ResponseHead& head) {
  ErrorBody body = co_await exchange_.upstream.read_error_body();
  if (body.broke) co_return exchange_.upstream.broken_error_body(head, body);
  co_return std::move(body.text);
}

// True when the error has made the request another one.
Task<Result<bool>> UpstreamAttempts::change_request(const http::ResponseHead& head) {
  if (head.status == status::kBadRequest) co_return co_await correct();
  if (head.status == status::kNotFound) co_return co_await follow_retirement();
  co_return false;
}

// Once: a request that is refused after its correction stays refused.
Task<Result<bool>> UpstreamAttempts::correct() {
  if (!std::exchange(may_correct_, false)) co_return false;
  if (!take_correction()) co_return false;
  co_return co_await decode_again_();
}

// False when the error says nothing that would change the request.
bool UpstreamAttempts::take_correction() {
  if (anthropic::refusal_of(status::kBadRequest, error_body_).is_final) return false;
  ModelFacts& facts = exchange_.worker.shared.facts;
  const std::string message = anthropic::read_error(error_body_).message;
  if (const auto room = anthropic::room_for_output(message)) {
    corrections_.max_tokens = room;
    return true;
  }
  // Another request may name the beta that allows them, so the model's facts stay as they are.
  corrections_.refused_tool_members = anthropic::extra_tool_members(message);
  if (!corrections_.refused_tool_members.empty()) return true;
  if (anthropic::is_schema_refusal(message)) {
    if (request_.decoded.schemas.empty()) return false;
    facts.refuse_schemas(request_.owner, request_.model, request_.decoded.schemas);
    return true;
  }
  const auto correction = anthropic::correction_from_error(message);
  if (correction) facts.apply(request_.model, *correction, request_.decoded.effort);
  return correction.has_value();
}

// True when the model turned out to have retired and the request is now one for its successor.
Task<Result<bool>> UpstreamAttempts::follow_retirement() {
  if (!may_follow_retirement_) co_return false;
  std::string successor =
      ModelResolver(exchange_.worker.shared)
          .successor_of_missing(exchange_.config, error_body_, wall_now(), exchange_.receipt);
  if (successor.empty()) co_return false;
  may_follow_retirement_ = false;
  request_.model = std::move(successor);
  auto decoded = co_await decode_again_();
  if (!decoded) co_return fail(decoded.error());
  co_return true;
}

// Nothing when the request is not to be sent again.
std::optional<Clock::duration> UpstreamAttempts::retry_wait(
    const Result<http::ResponseHead>& response) const {
  const RetryLimits limits{exchange_.config.upstream.max_retries,
                           exchange_.config.upstream.max_retry_wait};
  const auto retries = static_cast<unsigned>(exchange_.receipt.retries);
  if (response)
    return anthropic::refusal_of(response->status, error_body_).is_final
               ? std::nullopt
               : wait_before_retry(*response, retries, limits, jitter());
  const ErrorKind kind = response.error().kind;
  const bool was_unreachable =
      !exchange_.upstream.was_sent() &&
      (kind == ErrorKind::kUpstreamUnreachable || kind == ErrorKind::kTimedOut);
  return was_unreachable ? wait_before_retry(retries, limits, jitter()) : std::nullopt;
}

}  // namespace ccproxy::proxy
