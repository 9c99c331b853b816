#include "proxy/upstream_call.hpp"

#include <chrono>
#include <utility>

namespace ccproxy::proxy {
namespace {

// A reused connection that turns out dead fails at once; later, the request may have run.
constexpr std::chrono::seconds kAtOnce{1};
constexpr int kUnauthorized = 401;

bool may_resend(const http::Call& call, Clock::time_point sent_at) {
  return call.reused() && !call.answered() && Clock::now() - sent_at < kAtOnce;
}

bool is_refused(const http::ResponseHead& head, const auth::Credential& credential) {
  return head.status == kUnauthorized && credential.kind == auth::CredentialKind::kOauth;
}

}  // namespace

UpstreamCall::UpstreamCall(WorkerState& worker, http::ServerConnection& client,
                           telemetry::Receipt& receipt)
    : worker_(worker), client_(client), receipt_(receipt), upstream_(worker.upstream) {}

Task<Result<http::ResponseHead>> UpstreamCall::ask(const Asked& asked, std::string_view body) {
  auto credential = co_await find_credential();
  while (credential) {
    const UpstreamRequest request(asked.head, asked.target, *credential, worker_.shared.version,
                                  asked.decoded);
    auto head = co_await send(request, body);
    if (!head || !is_refused(*head, *credential) || receipt_.signed_again) co_return head;
    auto other = co_await worker_.shared.credentials.other_than(credential->secret, worker_.runtime,
                                                                cancellation_);
    if (!other) {  // then the client gets the upstream's own words
      cancellation_.arm([this] { call_->abort(); });
      note_unmended(other.error());
      co_return head;
    }
    call_->abort();
    receipt_.signed_again = true;
    credential = std::move(other);
  }
  co_return fail(credential.error());
}

Task<Result<auth::Credential>> UpstreamCall::find_credential() {
  client_.on_gone([this] { cancellation_.cancel(); });
  auto credential = co_await worker_.shared.credentials.usable(worker_.runtime, cancellation_);
  receipt_.unsaved = worker_.shared.credentials.standing()->unsaved;
  co_return credential;
}

void UpstreamCall::note_unmended(const Error& error) {
  const auto standing = worker_.shared.credentials.standing();
  receipt_.warn(
      standing->state == auth::State::kLoginRequired ? "login_required" : "token_not_renewed",
      error.message);
}

// Sends until upstream answers, it fails for good, or it is no longer safe. Nothing has gone to the
// client yet. The only resend here is that of a request whose kept-alive connection was dead.
Task<Result<http::ResponseHead>> UpstreamCall::send(const UpstreamRequest& request,
                                                    std::string_view body) {
  for (bool fresh = false;; fresh = true) {
    if (client_.gone()) co_return fail(ErrorKind::kClientGone, "the client left");
    auto opened = co_await open(fresh);
    if (!opened) co_return fail(opened.error());
    const auto sent_at = Clock::now();
    const http::OutgoingRequest outgoing = request.outgoing(body.size());
    auto sent = co_await call_->send(outgoing, body, true);
    auto head = co_await call_->read_head();  // even when sending failed: it may say why
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

Task<Result<http::ResponseHead>> UpstreamCall::upload(const Asked& asked) {
  auto credential = co_await find_credential();
  if (!credential) co_return fail(credential.error());
  const UpstreamRequest request(asked.head, asked.target, *credential, worker_.shared.version,
                                asked.decoded);
  auto opened = co_await open(false);
  if (!opened) co_return fail(opened.error());
  const http::OutgoingRequest outgoing = request.outgoing(client_.body_length());
  auto sent = co_await call_->send(outgoing, {}, false);
  while (sent && !client_.body_done()) {
    auto piece = co_await client_.read_body();
    if (!piece) {
      call_->abort();
      co_return fail(piece.error());
    }
    sent = co_await call_->send_body(*piece, client_.body_done());
  }
  auto head = co_await call_->read_head();  // an upstream that stops reading may say why
  if (!head) co_return fail(sent ? head.error() : sent.error());
  if (!is_refused(*head, *credential)) co_return head;
  // It cannot be sent again from here, but the client can, and then another credential goes along.
  auto other = co_await worker_.shared.credentials.other_than(credential->secret, worker_.runtime,
                                                              cancellation_);
  cancellation_.arm([this] { call_->abort(); });
  if (!other) note_unmended(other.error());
  co_return head;
}

}  // namespace ccproxy::proxy
