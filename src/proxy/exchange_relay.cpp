// The half of Exchange that passes an answer of the upstream's on, from its head to its end, whole
// or not. It refuses to know what was asked.
#include <fmt/format.h>

#include <utility>

#include "anthropic/error.hpp"
#include "anthropic/headers.hpp"
#include "anthropic/refusal.hpp"
#include "base/status.hpp"
#include "base/text.hpp"
#include "dialect/error.hpp"
#include "proxy/exchange.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/upstream/header_trace.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kDefaultFields = 1024;  // bytes
constexpr std::chrono::seconds kDrainTimeout{1};

// The coding, type, range, digest and validators of a body that is told in another's place.
bool is_about_body(std::string_view name) {
  return starts_with_text(name, "content-") || same_text(name, "etag") ||
         same_text(name, "last-modified") || same_text(name, "accept-ranges");
}

}  // namespace

Task<Result<void>> Exchange::relay(const Route& route, http::ResponseHead answer) {
  if (answer.status < status::kFirstError)
    co_return co_await relay_answer(route, std::move(answer), std::string());
  auto error_body = co_await upstream_.read_error_body();
  co_return co_await relay_error(route, std::move(answer), std::move(error_body));
}

// Nothing of it has left yet: an error whose body breaks off is told in our words.
Task<Result<void>> Exchange::relay_error(const Route& route, http::ResponseHead answer,
                                         ErrorBody error_body) {
  if (!error_body.broke) {
    explain_refusal(answer, error_body.text);
    co_return co_await relay_answer(route, std::move(answer), std::move(error_body.text));
  }
  note_ending(receipt_, upstream_.explain(*error_body.broke));
  upstream_.response().abort();
  std::string fields = reply_fields(answer, false);
  if (answer.get("request-id").empty()) http::append_field(fields, "request-id", receipt_.id);
  http::append_field(fields, "content-type", "application/json");
  const std::string body = upstream_.broken_error_body(answer, error_body);
  receipt_.status = answer.status;
  co_return co_await client_->answer(answer.status, fields, body);
}

Task<Result<void>> Exchange::relay_answer(const Route& route, http::ResponseHead answer,
                                          std::string begun) {
  const bool is_message = route.kind == RouteKind::kMessage && answer.status == status::kOk;
  Tap tap(answer, worker_.usage_parsers, is_message, MemoryReservation(shared_.held));
  // A stream may have to end otherwise than its length says: with an error event.
  auto length = tap.is_open_stream() ? std::nullopt : upstream_.response().body_length();
  if (head_.method == "HEAD") length = parse_decimal(answer.get("content-length"));
  const std::string fields = reply_fields(answer);
  client_->begin_reply(answer.status, fields, length);
  receipt_.status = answer.status;

  auto relayed = co_await relay_body(tap, begun);
  tap.finish();
  note_usage(tap);
  if (relayed) co_return relayed;
  const Error error = upstream_.explain(relayed.error());
  co_return co_await end_in_trouble(tap, error);
}

// Moves bytes until one side is done. The next are read only after the client took the last: that
// is all the backpressure there is.
Task<Result<void>> Exchange::relay_body(Tap& tap, std::string_view begun) {
  if (!begun.empty()) {
    tap.see(begun);
    if (upstream_.response().body_done()) co_return co_await client_->end_reply(begun);
    auto written = co_await client_->write(begun);
    if (!written) co_return written;
  }
  // An upstream that has told all but does not end is not waited for.
  net::Deadline moment(worker_.runtime, [this] { upstream_.response().abort(); });
  bool is_over = false;
  while (true) {
    if (!upstream_.response().body_ready()) {
      auto flushed = co_await client_->flush();
      if (!flushed) co_return flushed;
    }
    auto piece = co_await upstream_.response().read_body();
    if (!piece) co_return fail(piece.error());
    tap.see(*piece);
    const bool last = upstream_.response().body_done();
    if (last && !tap.is_unfinished()) co_return co_await client_->end_reply(*piece);
    // The last piece is kept back where the answer can still be another one, or only be cut.
    const bool may_leave =
        !last || (tap.is_open_stream() && (tap.has_begun() || !client_->reply_unsent()));
    if (may_leave) {
      auto written = co_await client_->write(*piece);
      if (!written) co_return written;
    }
    if (last)
      co_return fail(ErrorKind::kUpstreamBroke,
                     "the upstream ended its answer before it was complete");
    if (tap.is_over_message() && !std::exchange(is_over, true)) moment.expires_after(kDrainTimeout);
    if (Clock::now() - tap.last_content() > config_->timeouts.ping_only)
      co_return fail(ErrorKind::kTimedOut,
                     "the upstream sent nothing but pings (timeouts.pingOnlySeconds)");
  }
}

// The answer cannot be completed, unless only its connection's end is missing. An event stream is
// told so in an event of its own, and then ends in order, so that the connection can carry the
// client's next attempt. Any other answer is cut.
Task<Result<void>> Exchange::end_in_trouble(const Tap& tap, Error error) {
  upstream_.response().abort();
  if (client_->reply_unsent() && client_->reply_begun()) {
    client_->discard_reply();
    co_return fail(std::move(error));
  }
  const bool has_listener =
      error.kind != ErrorKind::kClientGone && error.kind != ErrorKind::kClientStalled;
  if (has_listener && tap.is_over())
    co_return co_await client_->end_reply(tap.is_over_but_border() ? tap.to_border() : "");
  note_ending(receipt_, error);
  if (has_listener && tap.is_open_stream()) {
    const std::string tail =
        fmt::format("{}event: error\ndata: {}\n\n", tap.to_border(),
                    anthropic::error_body("api_error", dialect::error_message(error), receipt_.id));
    (void)co_await client_->end_reply(tail);
  } else {
    client_->cut_reply();
  }
  co_return Result<void>{};
}

std::string Exchange::reply_fields(const http::ResponseHead& answer, bool with_body) const {
  std::string fields;
  fields.reserve(kDefaultFields);
  const bool names_fields = connection_names_fields(answer);
  for (const http::Field& field : answer.fields)
    if (anthropic::forwards_response_header(field.name) &&
        (with_body || !is_about_body(field.name)) &&
        !(names_fields && answer.lists("connection", field.name)))
      http::append_field(fields, field.name, field.value);
  if (!receipt_.warning.empty()) http::append_field(fields, "x-ccproxy-warning", receipt_.warning);
  fields += cors_fields_;
  return fields;
}

void Exchange::explain_refusal(const http::ResponseHead& answer, std::string_view body) {
  if (answer.find("content-encoding")) return;
  const anthropic::Refusal refusal = anthropic::refusal_of(answer.status, body);
  if (!refusal.token.empty()) receipt_.warn(refusal.token, refusal.meaning);
}

void Exchange::note_usage(const Tap& tap) {
  const anthropic::Usage& usage = tap.usage().usage();
  receipt_.input_tokens = usage.input;
  receipt_.cached_tokens = usage.cache_read;
  receipt_.cache_write_tokens = usage.cache_write;
  receipt_.output_tokens = usage.output;
  receipt_.stop_reason = anthropic::known_stop_reason(usage.stop_reason);
}

}  // namespace ccproxy::proxy
