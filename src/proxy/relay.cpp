#include "proxy/relay.hpp"

#include <fmt/format.h>

#include <utility>

#include "anthropic/error.hpp"
#include "anthropic/headers.hpp"
#include "anthropic/refusal.hpp"
#include "base/status.hpp"
#include "base/text.hpp"
#include "dialect/error.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/upstream/request.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kDefaultFields = 1024;  // bytes
constexpr std::chrono::seconds kDrainTimeout{1};

// Coding, type, range, digest and validators: they do not hold for a body that replaces another.
bool is_about_body(std::string_view name) {
  return starts_with_text(name, "content-") || same_text(name, "etag") ||
         same_text(name, "last-modified") || same_text(name, "accept-ranges");
}

}  // namespace

// It only chooses: a frame of its own for each response would be one too many.
Task<Result<void>> Relay::pass_on(http::ResponseHead response) {
  if (response.status < status::kFirstError) return pass_on(std::move(response), std::string());
  return read_and_pass_on_error(std::move(response));
}

Task<Result<void>> Relay::read_and_pass_on_error(http::ResponseHead response) {
  auto body = co_await upstream_.read_error_body();
  co_return co_await pass_on_error(std::move(response), std::move(body));
}

// The client gets an error of ours for one whose body breaks off: nothing has left yet.
Task<Result<void>> Relay::pass_on_error(http::ResponseHead response, ErrorBody body) {
  if (!body.broke) {
    explain_refusal(response, body.text);
    co_return co_await pass_on(std::move(response), std::move(body.text));
  }
  note_ending(receipt_, upstream_.explain(*body.broke));
  upstream_.response().abort();
  std::string fields = reply_fields(response, false);
  if (response.get("request-id").empty()) http::append_field(fields, "request-id", receipt_.id);
  http::append_field(fields, "content-type", "application/json");
  const std::string replacement = upstream_.broken_error_body(response, body);
  receipt_.status = response.status;
  co_return co_await client_.send_reply(response.status, fields, replacement);
}

Task<Result<void>> Relay::pass_on(http::ResponseHead response, std::string beginning) {
  const bool is_message = request_.is_message && response.status == status::kOk;
  Tap tap(response, worker_.usage_parsers, is_message, MemoryReservation(worker_.shared.held));
  // An event stream may have to end with an error event, which its length does not count.
  auto length = tap.is_open_stream() ? std::nullopt : upstream_.response().body_length();
  if (request_.is_head) length = parse_decimal(response.get("content-length"));
  const std::string fields = reply_fields(response);
  client_.begin_reply(response.status, fields, length);
  receipt_.status = response.status;

  auto passed = co_await pass_on_body(tap, beginning);
  tap.finish();
  note_usage(tap);
  if (passed) co_return passed;
  const Error error = upstream_.explain(passed.error());
  co_return co_await end_broken(tap, error);
}

// Moves bytes until one side is done. The next piece is read only after the client took the last:
// this is all the backpressure there is.
Task<Result<void>> Relay::pass_on_body(Tap& tap, std::string_view beginning) {
  if (!beginning.empty()) {
    tap.see(beginning);
    if (upstream_.response().body_done()) co_return co_await client_.end_reply(beginning);
    auto written = co_await client_.write(beginning);
    if (!written) co_return written;
  }
  // A message can be complete while the upstream does not end its response.
  net::Deadline deadline(worker_.runtime, [this] { upstream_.response().abort(); });
  bool is_over = false;
  while (true) {
    if (!upstream_.response().body_ready()) {
      auto flushed = co_await client_.flush();
      if (!flushed) co_return flushed;
    }
    auto piece = co_await upstream_.response().read_body();
    if (!piece) co_return fail(piece.error());
    tap.see(*piece);
    const bool is_last = upstream_.response().body_done();
    if (is_last && !tap.is_unfinished()) co_return co_await client_.end_reply(*piece);
    // The last piece of a broken reply is held back where another reply can still replace it, or
    // where it can only be cut.
    const bool may_leave =
        !is_last || (tap.is_open_stream() && (tap.has_begun() || !client_.reply_unsent()));
    if (may_leave) {
      auto written = co_await client_.write(*piece);
      if (!written) co_return written;
    }
    if (is_last)
      co_return fail(ErrorKind::kUpstreamBroke,
                     "the upstream ended its answer before it was complete");
    if (tap.is_over_message() && !std::exchange(is_over, true))
      deadline.expires_after(kDrainTimeout);
    if (Clock::now() - tap.last_content() > config_.timeouts.ping_only)
      co_return fail(ErrorKind::kTimedOut,
                     "the upstream sent nothing but pings (timeouts.pingOnlySeconds)");
  }
}

// Ends a reply that broke off, unless only the end of its connection was missing. An event stream
// gets an error event and then ends in order, so that the connection can carry the client's next
// attempt. Any other reply is cut.
Task<Result<void>> Relay::end_broken(const Tap& tap, Error error) {
  upstream_.response().abort();
  if (client_.reply_unsent() && client_.reply_begun()) {
    client_.discard_reply();
    co_return fail(std::move(error));
  }
  const bool has_listener =
      error.kind != ErrorKind::kClientGone && error.kind != ErrorKind::kClientStalled;
  if (has_listener && tap.is_over())
    co_return co_await client_.end_reply(tap.is_over_but_border() ? tap.to_border() : "");
  note_ending(receipt_, error);
  if (has_listener && tap.is_open_stream()) {
    const std::string tail =
        fmt::format("{}event: error\ndata: {}\n\n", tap.to_border(),
                    anthropic::error_body("api_error", dialect::error_message(error), receipt_.id));
    (void)co_await client_.end_reply(tail);
  } else {
    client_.cut_reply();
  }
  co_return Result<void>{};
}

// All fields that are passed on; with `with_body` false, without those about a body that another
// replaces.
std::string Relay::reply_fields(const http::ResponseHead& response, bool with_body) const {
  std::string fields;
  fields.reserve(kDefaultFields);
  const bool names_fields = connection_names_fields(response);
  for (const http::Field& field : response.fields)
    if (anthropic::forwards_response_header(field.name) &&
        (with_body || !is_about_body(field.name)) &&
        !(names_fields && response.lists("connection", field.name)))
      http::append_field(fields, field.name, field.value);
  if (!receipt_.warning.empty()) http::append_field(fields, "x-ccproxy-warning", receipt_.warning);
  fields += request_.more_fields;
  return fields;
}

void Relay::explain_refusal(const http::ResponseHead& response, std::string_view body) {
  if (response.find("content-encoding")) return;
  const anthropic::Refusal refusal = anthropic::refusal_of(response.status, body);
  if (!refusal.token.empty()) receipt_.warn(refusal.token, refusal.meaning);
}

void Relay::note_usage(const Tap& tap) {
  const anthropic::Usage& usage = tap.usage().usage();
  receipt_.input_tokens = usage.input;
  receipt_.cached_tokens = usage.cache_read;
  receipt_.cache_write_tokens = usage.cache_write;
  receipt_.output_tokens = usage.output;
  receipt_.stop_reason = anthropic::known_stop_reason(usage.stop_reason);
}

}  // namespace ccproxy::proxy
