#include "proxy/upstream/call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "anthropic/error.hpp"
#include "auth/credentials.hpp"
#include "base/status.hpp"
#include "dialect/error.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/state/rate_limits.hpp"
#include "proxy/state/worker_state.hpp"
#include "proxy/upstream/header_trace.hpp"

namespace ccproxy::proxy {
namespace {

// A reused connection that turns out to be dead fails at once; later, the request may have run.
constexpr std::chrono::seconds kDeadConnectionWindow{1};
constexpr std::chrono::milliseconds kDrainTimeout{200};
constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10;

bool may_resend(const http::Call& call, Clock::time_point sent_at) {
  return call.reused() && !call.response_begun() && Clock::now() - sent_at < kDeadConnectionWindow;
}

bool is_refused(const http::ResponseHead& head, const auth::Credential& credential) {
  return head.status == status::kUnauthorized && credential.kind == auth::CredentialKind::kOauth;
}

// How long a response may take that is held back until its end is known. The client has seen
// nothing of it, so all of it must come as soon as any response must begin; and a pause of that
// length would be too long as well.
Clock::duration whole_timeout(const http::ClientLimits& limits) {
  return std::min(limits.first_byte, limits.idle);
}

Error not_whole(const http::ClientLimits& limits) {
  const auto limit = std::chrono::duration_cast<std::chrono::seconds>(whole_timeout(limits));
  const bool is_first = limits.first_byte < limits.idle;
  return {ErrorKind::kTimedOut,
          fmt::format("the upstream's answer was not whole after {} s (timeouts.{})", limit.count(),
                      is_first ? "firstByteSeconds" : "idleUpstreamSeconds")};
}

}  // namespace

UpstreamCall::UpstreamCall(WorkerState& worker, http::ServerConnection* client,
                           telemetry::Receipt& receipt)
    : worker_(worker), client_(client), receipt_(receipt), upstream_(worker.upstream) {}

Task<Result<http::ResponseHead>> UpstreamCall::send(const UpstreamTarget& target,
                                                    std::string_view body) {
  was_sent_ = false;
  auto credential = co_await find_credential();
  while (credential) {
    const UpstreamRequest request(target.head, target.target, *credential, worker_.shared.version,
                                  target.decoded);
    auto head = co_await send_with_resend(request, body);
    if (head) note_response(*head);
    if (!head || !is_refused(*head, *credential) || receipt_.reauthenticated) co_return head;
    auto other = co_await worker_.shared.credentials.replacement_for(
        credential->secret, worker_.runtime, cancellation_);
    if (!other) {  // the client gets the upstream's own error
      cancellation_.arm([this] { call_->abort(); });
      note_renewal_failed(other.error());
      co_return head;
    }
    call_->abort();
    receipt_.reauthenticated = true;
    credential = std::move(other);
  }
  co_return fail(credential.error());
}

net::Cancellation& UpstreamCall::while_client_waits() {
  if (client_ != nullptr) client_->on_gone([this] { cancel(ErrorKind::kClientGone); });
  return cancellation_;
}

Task<Result<auth::Credential>> UpstreamCall::find_credential() {
  auto credential =
      co_await worker_.shared.credentials.usable(worker_.runtime, while_client_waits());
  receipt_.unsaved = worker_.shared.credentials.credential_status()->unsaved;
  co_return credential;
}

Task<ErrorBody> UpstreamCall::read_error_body() {
  ErrorBody body;
  bool is_late = false;
  net::Deadline deadline(worker_.runtime, [this, &is_late] {
    is_late = true;
    call_->abort();
  });
  deadline.expires_after(whole_timeout(upstream_->limits));
  while (!call_->body_done() && body.text.size() < kMaxErrorBody) {
    auto piece = co_await call_->read_body();
    if (!piece) {
      body.broke = is_late ? not_whole(upstream_->limits) : piece.error();
      break;
    }
    body.text += *piece;
  }
  co_return body;
}

std::string UpstreamCall::broken_error_body(const http::ResponseHead& head,
                                            const ErrorBody& body) const {
  Error error = explain(*body.broke);
  const auto upstream = anthropic::read_error(body.text);
  error.message = fmt::format("the upstream's error did not come whole: {}{}", error.message,
                              upstream.message.empty() ? "" : "; it says: " + upstream.message);
  const auto type = upstream.type.empty() ? anthropic::error_type(head.status) : upstream.type;
  const std::string_view id = head.get("request-id");
  return anthropic::error_body(type, dialect::error_message(error), id.empty() ? receipt_.id : id);
}

Task<void> UpstreamCall::drain_response() {
  net::Deadline deadline(worker_.runtime, [this] { call_->abort(); });
  deadline.expires_after(kDrainTimeout);
  while (!call_->body_done()) {
    auto piece = co_await call_->read_body();
    if (!piece || piece->empty()) co_return;
  }
}

Task<Result<void>> UpstreamCall::pause(Clock::duration duration) {
  net::Event over(worker_.runtime);
  net::Deadline deadline(worker_.runtime, [&over] { over.notify(); });
  deadline.expires_after(duration);
  cancellation_.arm([&over] { over.notify(); });
  co_await over.wait();
  cancellation_.disarm();
  if (cancellation_.cancelled()) co_return fail(ErrorKind::kClosed, "cancelled");
  if (call_) cancellation_.arm([this] { call_->abort(); });  // the response may still be read
  co_return Result<void>{};
}

void UpstreamCall::cancel(ErrorKind why) {
  if (!cancelled_for_ || why == ErrorKind::kShutdown) cancelled_for_ = why;
  cancellation_.cancel();
}

Error UpstreamCall::explain(Error error) const {
  if (cancelled_for_ == ErrorKind::kShutdown) return shutting_down();
  if (cancelled_for_) return {*cancelled_for_, "the client closed the connection"};
  if (error.kind == ErrorKind::kClosed)
    return {ErrorKind::kUpstreamBroke, fmt::format("the upstream broke off: {}", error.message)};
  return error;
}

void UpstreamCall::note_response(const http::ResponseHead& response) {
  Shared& shared = worker_.shared;
  receipt_.first_byte = Clock::now();
  receipt_.upstream_request_id = response.get("request-id");
  if (shared.credentials.credential_status()->credential.kind != auth::CredentialKind::kClient)
    shared.limits.note(response);
  if (uses_credits(response))
    receipt_.warn("usage_credits_in_use", "this request is paid for with usage credits");
  trace_header_names(shared, receipt_.id, "answer_fields", response);
}

void UpstreamCall::note_renewal_failed(const Error& error) {
  const auto credential_status = worker_.shared.credentials.credential_status();
  receipt_.warn(credential_status->state == auth::State::kLoginRequired ? "login_required"
                                                                        : "token_not_renewed",
                error.message);
}

// Sends the request again, on a new connection, only where the idle connection that it was sent on
// turns out to have been dead: nothing of the request has run, and nothing has gone to the client.
Task<Result<http::ResponseHead>> UpstreamCall::send_with_resend(const UpstreamRequest& request,
                                                                std::string_view body) {
  for (bool fresh = false;; fresh = true) {
    if (client_ != nullptr && client_->gone())
      co_return fail(ErrorKind::kClientGone, "the client left");
    auto opened = co_await open(fresh);
    if (!opened) co_return fail(opened.error());
    was_sent_ = true;
    const auto sent_at = Clock::now();
    const http::OutgoingRequest outgoing = request.outgoing(body.size());
    auto sent = co_await call_->send(outgoing, body, true);
    auto head = co_await call_->read_head();  // even when sending failed: the upstream may say why
    if (head) co_return head;
    if (fresh || cancellation_.cancelled() || !may_resend(*call_, sent_at))
      co_return fail(sent ? head.error() : sent.error());
    receipt_.resent = true;
  }
}

Task<Result<void>> UpstreamCall::open(bool fresh) {
  auto opened = co_await upstream_->client.open(fresh, &cancellation_);
  if (!opened) co_return fail(opened.error());
  call_ = std::move(*opened);
  cancellation_.arm([this] { call_->abort(); });
  co_return Result<void>{};
}

Task<Result<http::ResponseHead>> UpstreamCall::upload(const UpstreamTarget& target) {
  auto credential = co_await find_credential();
  if (!credential) co_return fail(credential.error());
  const UpstreamRequest request(target.head, target.target, *credential, worker_.shared.version,
                                target.decoded);
  auto opened = co_await open(false);
  if (!opened) co_return fail(opened.error());
  const http::OutgoingRequest outgoing = request.outgoing(client_->body_length());
  auto sent = co_await call_->send(outgoing, {}, false);
  while (sent && !client_->body_done()) {
    auto piece = co_await client_->read_body();
    if (!piece) {
      call_->abort();
      co_return fail(piece.error());
    }
    sent = co_await call_->send_body(*piece, client_->body_done());
  }
  auto head = co_await call_->read_head();  // an upstream that stops reading may say why
  if (!head) co_return fail(sent ? head.error() : sent.error());
  note_response(*head);
  if (!is_refused(*head, *credential)) co_return head;
  // The body is gone, but the client can send it again: then a renewed credential goes with it.
  auto other = co_await worker_.shared.credentials.replacement_for(credential->secret,
                                                                   worker_.runtime, cancellation_);
  cancellation_.arm([this] { call_->abort(); });
  if (!other) note_renewal_failed(other.error());
  co_return head;
}

}  // namespace ccproxy::proxy
