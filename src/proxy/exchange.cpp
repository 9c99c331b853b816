// One request, from its head to its receipt. Start reading here: it is the program. This file
// refuses to know JSON (anthropic, dialect), bytes on the wire (http) and where a credential comes
// from (auth).
//
//   head -> admit -> find route -> read body -> map the model -> credential -> send
//        -> (next piece of the answer -> write, waiting for a slow client)* -> receipt

#include "proxy/exchange.hpp"

#include <fmt/format.h>

#include <utility>

#include "anthropic/error.hpp"
#include "anthropic/headers.hpp"
#include "anthropic/refusal.hpp"
#include "anthropic/request.hpp"
#include "base/text.hpp"
#include "config/model_map.hpp"
#include "dialect/error.hpp"
#include "proxy/gate.hpp"
#include "proxy/health.hpp"
#include "proxy/models_endpoint.hpp"
#include "proxy/request_id.hpp"

namespace ccproxy::proxy {
namespace {

// A reused connection that turns out dead fails at once; later, the request may have run.
constexpr std::chrono::seconds kAtOnce{1};
constexpr std::size_t kMostClientName = 64;
constexpr std::size_t kUsualFields = 1024;  // bytes
constexpr std::size_t kMostErrorBody = std::size_t{64} << 10;
constexpr int kFirstError = 400;
constexpr int kUnauthorized = 401;

std::string product_of(std::string_view user_agent) {
  return std::string(user_agent.substr(0, std::min(user_agent.find(' '), kMostClientName)));
}

bool may_resend(const http::Call& call, Clock::time_point sent_at) {
  return call.reused() && !call.answered() && Clock::now() - sent_at < kAtOnce;
}

}  // namespace

Exchange::Exchange(WorkerState& worker, std::shared_ptr<http::ServerConnection> client,
                   bool trusted)
    : worker_(worker),
      shared_(worker.shared),
      config_(shared_.config.get()),
      upstream_(worker.upstream),
      client_(std::move(client)),
      trusted_(trusted) {
  receipt_.id = next_request_id();
  ++shared_.in_flight;
}

Exchange::~Exchange() {
  client_->on_gone({});
  --shared_.in_flight;
}

Task<void> Exchange::run(http::RequestHead head) {
  head_ = std::move(head);
  dialect_ = dialect_of(head_);
  receipt_.method = head_.method;
  receipt_.client = product_of(head_.get("user-agent"));
  log_names("request_fields", head_);

  auto served = co_await serve();
  if (!served) {
    const Error error = explain(served.error());
    co_await refuse(error);
  }
  telemetry::write_receipt(shared_.log, receipt_, Clock::now());
}

Task<void> Exchange::refuse_head(Error error) {
  co_await refuse(std::move(error));
  telemetry::write_receipt(shared_.log, receipt_, Clock::now());
}

Task<Result<void>> Exchange::serve() {
  if (is_preflight(head_)) {
    const std::string fields = preflight_fields(head_, *config_);
    if (!fields.empty()) co_return co_await answer(204, {}, {}, fields);
  }
  auto pass = admit(head_, *config_, trusted_);
  auto route = find_route(head_);
  if (!pass && route && allows(*route, head_.method)) {
    // Whoever has shown nothing is told that something runs here, and no more.
    if (route->kind == RouteKind::kHealth)
      co_return co_await answer(200, "application/json", kBareHealth);
    if (route->kind == RouteKind::kProbe) co_return co_await answer(200, "text/plain", "");
  }
  if (!pass) co_return fail(pass.error());
  receipt_.key = std::move(pass->key_name);
  cors_fields_ = std::move(pass->cors_fields);

  if (!route) co_return fail(route.error());
  receipt_.route = route->name;
  dialect_ = route->dialect;
  if (!allows(*route, head_.method)) {
    allow_ = route->allow;
    co_return fail(ErrorKind::kMethodNotAllowed,
                   fmt::format("{} is not allowed here; allowed: {}", head_.method, route->allow));
  }
  switch (route->kind) {
    case RouteKind::kMessage: co_return co_await forward_message(*route);
    case RouteKind::kRelay: co_return co_await forward_relay(*route);
    default: co_return co_await answer_here(*route);
  }
}

Task<Result<void>> Exchange::answer_here(const Route& route) {
  if (route.kind == RouteKind::kHealth) {
    const std::string body = health(shared_);
    co_return co_await answer(200, "application/json", body);
  }
  if (route.kind == RouteKind::kProbe) {
    const std::string body = fmt::format("CCProxy {} is running.\n", shared_.version);
    co_return co_await answer(200, "text/plain; charset=utf-8", body);
  }
  co_await refresh_models(worker_);
  auto body = route.kind == RouteKind::kModels ? list_models(shared_, head_)
                                               : show_model(shared_, head_, route.path);
  if (!body) co_return fail(body.error());
  co_return co_await answer(200, "application/json", *body);
}

Task<Result<void>> Exchange::forward_message(const Route& route) {
  Hold hold(shared_.held);
  auto body = co_await read_whole_body(*client_, head_, config_->limits.body_bytes, hold);
  if (!body) co_return fail(body.error());

  const std::string unmapped = body->sent.empty() ? "" : map_model(*body);
  const bool decoded = !unmapped.empty() && body->coding != http::Coding::kIdentity;
  const std::string_view bytes = decoded ? body->decoded : body->sent;
  auto head = co_await ask(route, bytes, decoded);
  if (!head) co_return fail(head.error());

  *body = RequestBody();  // a long answer does not hold its question
  hold.release();
  co_return co_await relay(std::move(*head));
}

Task<Result<void>> Exchange::forward_relay(const Route& route) {
  Result<http::ResponseHead> head;
  if (client_->has_body()) {
    head = co_await upload(route);
  } else {
    head = co_await ask(route, {}, false);
  }
  if (!head) co_return fail(head.error());
  co_return co_await relay(std::move(*head));
}

// Asks with the credential in use. When the upstream does not take it, asks once more with another,
// if there is one: a token that was renewed meanwhile, or is renewed now.
Task<Result<http::ResponseHead>> Exchange::ask(const Route& route, std::string_view body,
                                               bool decoded) {
  auto credential = co_await find_credential();
  while (credential) {
    const UpstreamRequest request(head_, upstream_target(route), *credential, shared_.version,
                                  decoded);
    auto head = co_await attempt(request, body);
    const bool is_refused =
        head && head->status == kUnauthorized && credential->kind == auth::CredentialKind::kOauth;
    if (!is_refused || receipt_.signed_again) co_return head;
    auto other =
        co_await shared_.credentials.other_than(credential->secret, worker_.runtime, cancellation_);
    if (!other) {  // then the client gets the upstream's own words
      cancellation_.arm([this] { call_->abort(); });
      warn(shared_.credentials.standing()->state == auth::State::kLoginRequired
               ? "login_required"
               : "token_not_renewed",
           other.error().message);
      co_return head;
    }
    call_->abort();
    receipt_.signed_again = true;
    credential = std::move(other);
  }
  co_return fail(credential.error());
}

Task<Result<auth::Credential>> Exchange::find_credential() {
  client_->on_gone([this] { cancellation_.cancel(); });
  auto credential = co_await shared_.credentials.usable(worker_.runtime, cancellation_);
  receipt_.unsaved = shared_.credentials.standing()->unsaved;
  co_return credential;
}

// Sends until upstream answers, it fails for good, or it is no longer safe. Nothing has gone to the
// client yet. The only resend here is that of a request whose kept-alive connection was dead.
Task<Result<http::ResponseHead>> Exchange::attempt(const UpstreamRequest& request,
                                                   std::string_view body) {
  for (bool fresh = false;; fresh = true) {
    if (client_->gone()) co_return fail(ErrorKind::kClientGone, "the client left");
    auto opened = co_await upstream_->client.open(fresh, &cancellation_);
    if (!opened) co_return fail(opened.error());
    call_ = std::move(*opened);
    cancellation_.arm([this] { call_->abort(); });

    const auto sent_at = Clock::now();
    const http::OutgoingRequest outgoing = request.outgoing(body.size());
    auto sent = co_await call_->send(outgoing, body, true);
    auto head = co_await call_->read_head();  // even when sending failed: it may say why
    if (head) {
      note_answer(*head);
      co_return head;
    }
    if (fresh || cancellation_.cancelled() || !may_resend(*call_, sent_at))
      co_return fail(sent ? head.error() : sent.error());
    receipt_.resent = true;
  }
}

// Sends a body as it comes, piece by piece, without a limit of ours. Never sent again.
Task<Result<http::ResponseHead>> Exchange::upload(const Route& route) {
  auto credential = co_await find_credential();
  if (!credential) co_return fail(credential.error());
  const UpstreamRequest request(head_, upstream_target(route), *credential, shared_.version, false);
  auto opened = co_await upstream_->client.open(false, &cancellation_);
  if (!opened) co_return fail(opened.error());
  call_ = std::move(*opened);
  cancellation_.arm([this] { call_->abort(); });

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
  note_answer(*head);
  co_return head;
}

Task<Result<void>> Exchange::relay(http::ResponseHead answer) {
  Tap tap(answer, worker_.usage_parsers);
  auto length = call_->body_length();
  if (head_.method == "HEAD") length = parse_decimal(answer.get("content-length"));
  std::string begun;
  if (answer.status >= kFirstError) {
    begun = co_await read_error_body();
    explain_refusal(answer, begun);
  }
  const std::string fields = reply_fields(answer);
  client_->begin_reply(answer.status, fields, length);
  receipt_.status = answer.status;

  auto relayed = co_await relay_body(tap, begun);
  tap.finish();
  note_usage(tap);
  if (relayed) co_return relayed;
  const Error error = explain(relayed.error());
  co_return co_await end_in_trouble(tap, error);
}

// The beginning of an error's body, usually all of it: what it means is told in the head. Whatever
// goes wrong is seen again by whoever reads on.
Task<std::string> Exchange::read_error_body() {
  std::string begun;
  while (!call_->body_done() && begun.size() < kMostErrorBody) {
    auto piece = co_await call_->read_body();
    if (!piece) break;
    begun += *piece;
  }
  co_return begun;
}

// Moves bytes until one side is done. The next are read only after the client took the last: that
// is all the backpressure there is.
Task<Result<void>> Exchange::relay_body(Tap& tap, std::string_view begun) {
  if (!begun.empty()) {
    tap.see(begun);
    if (call_->body_done()) co_return co_await client_->end_reply(begun);
    auto written = co_await client_->write(begun);
    if (!written) co_return written;
  }
  while (true) {
    if (!call_->body_ready()) {
      auto flushed = co_await client_->flush();
      if (!flushed) co_return flushed;
    }
    auto piece = co_await call_->read_body();
    if (!piece) co_return fail(piece.error());
    tap.see(*piece);
    const bool last = call_->body_done();
    if (last && !tap.is_unfinished()) co_return co_await client_->end_reply(*piece);
    auto written = co_await client_->write(*piece);
    if (!written) co_return written;
    if (last)
      co_return fail(ErrorKind::kUpstreamBroke,
                     "the upstream ended its answer before it was complete");
    if (Clock::now() - tap.last_content() > config_->timeouts.ping_only)
      co_return fail(ErrorKind::kTimedOut,
                     "the upstream sent nothing but pings (timeouts.pingOnlySeconds)");
  }
}

// The answer cannot be completed. An event stream is told so in an event of its own; any other
// answer ends without its end, so that the client sees that it was cut.
Task<Result<void>> Exchange::end_in_trouble(const Tap& tap, Error error) {
  call_->abort();
  if (client_->reply_unsent() && client_->reply_begun()) {
    client_->discard_reply();
    co_return fail(std::move(error));
  }
  note_ending(error);
  const bool has_listener =
      error.kind != ErrorKind::kClientGone && error.kind != ErrorKind::kClientStalled;
  if (has_listener && tap.is_open_stream() && !call_->body_length()) {
    const std::string tail =
        fmt::format("{}event: error\ndata: {}\n\n", tap.to_border(),
                    anthropic::error_body("api_error", error.message, receipt_.id));
    client_->close_after_reply();
    (void)co_await client_->end_reply(tail);
  }
  client_->close();
  co_return Result<void>{};
}

Task<Result<void>> Exchange::answer(int status, std::string_view content_type,
                                    std::string_view body, std::string_view more_fields) {
  std::string fields;
  http::append_field(fields, "date", http::http_date(WallClock::now()));
  if (!content_type.empty()) http::append_field(fields, "content-type", content_type);
  fields += more_fields;
  fields += cors_fields_;
  receipt_.status = status;
  co_return co_await client_->answer(status, fields, body);
}

Task<void> Exchange::refuse(Error error) {
  note_ending(error);
  if (error.kind == ErrorKind::kClientGone) {
    client_->close();
    co_return;
  }
  std::string fields;
  http::append_field(fields, "request-id", receipt_.id);
  http::append_field(fields, "x-request-id", receipt_.id);
  if (!allow_.empty()) http::append_field(fields, "allow", allow_);
  if (error.retry_after)
    http::append_field(fields, "retry-after", std::to_string(error.retry_after->count()));
  const std::string body = dialect::error_body(dialect_, error, receipt_.id);
  const int status = dialect::status_of(dialect_, error);
  (void)co_await answer(status, "application/json", body, fields);
}

void Exchange::cut() {
  cut_ = true;
  cancellation_.cancel();
}

// Which of the reasons that can end a wait it really was.
Error Exchange::explain(Error error) const {
  if (cut_) return {ErrorKind::kShutdown, "CCProxy is shutting down"};
  if (cancellation_.cancelled())
    return {ErrorKind::kClientGone, "the client closed the connection"};
  if (error.kind == ErrorKind::kClosed)
    return {ErrorKind::kUpstreamBroke, fmt::format("the upstream broke off: {}", error.message)};
  return error;
}

// Follows the mapping and then retirements. The name that goes upstream, or "" when the body goes
// as it is.
std::string Exchange::map_model(RequestBody& body) {
  auto facts = anthropic::read_facts(worker_.reader, body.text());
  if (!facts || !facts->model) return {};
  receipt_.model_asked = receipt_.model_sent = *facts->model;
  const config::Config& config = *config_;
  std::string name = config::map_model(config.model_mapping, *facts->model);
  if (config.follow_retirements) {
    std::string successor = shared_.models.successor(name);
    if (successor != name) {
      warn("model_retired", {});
      shared_.catalog.say_retired(shared_.log, name, successor);
      name = std::move(successor);
    }
  }
  if (name == *facts->model) return {};
  anthropic::replace_model(body.text(), *facts, name);
  receipt_.model_sent = name;
  return name;
}

std::string Exchange::upstream_target(const Route& route) const {
  std::string target = upstream_->prefix;
  return target.append(route.path).append(head_.query());
}

std::string Exchange::reply_fields(const http::ResponseHead& answer) const {
  std::string fields;
  fields.reserve(kUsualFields);
  const bool names_fields = connection_names_fields(answer);
  for (const http::Field& field : answer.fields)
    if (anthropic::forwards_response_header(field.name) &&
        !(names_fields && answer.lists("connection", field.name)))
      http::append_field(fields, field.name, field.value);
  if (!receipt_.warning.empty()) http::append_field(fields, "x-ccproxy-warning", receipt_.warning);
  fields += cors_fields_;
  return fields;
}

// A token for x-ccproxy-warning, and what it means for the log. Each once, in the order they came.
void Exchange::warn(std::string_view token, std::string_view meaning) {
  std::string& warnings = receipt_.warning;
  if (list_names(warnings, token)) return;
  if (!warnings.empty()) warnings += ", ";
  warnings += token;
  if (receipt_.detail.empty()) receipt_.detail = meaning;
}

void Exchange::explain_refusal(const http::ResponseHead& answer, std::string_view body) {
  if (answer.find("content-encoding")) return;
  const anthropic::Refusal refusal = anthropic::refusal_of(answer.status, body);
  if (!refusal.token.empty()) warn(refusal.token, refusal.meaning);
}

void Exchange::note_answer(const http::ResponseHead& answer) {
  receipt_.first_byte = Clock::now();
  receipt_.upstream_request_id = answer.get("request-id");
  if (shared_.credentials.standing()->credential.kind != auth::CredentialKind::kClient)
    shared_.limits.note(answer);
  if (uses_credits(answer))
    warn("usage_credits_in_use", "this request is paid for with usage credits");
  log_names("answer_fields", answer);
}

void Exchange::note_usage(const Tap& tap) {
  const anthropic::Usage& usage = tap.usage().usage();
  receipt_.input_tokens = usage.input;
  receipt_.cached_tokens = usage.cache_read;
  receipt_.cache_write_tokens = usage.cache_write;
  receipt_.output_tokens = usage.output;
  receipt_.stop_reason = usage.stop_reason;
}

void Exchange::note_ending(const Error& error) {
  using telemetry::Ending;
  switch (error.kind) {
    case ErrorKind::kClientGone: receipt_.ending = Ending::kClientGone; break;
    case ErrorKind::kClientStalled: receipt_.ending = Ending::kClientStalled; break;
    case ErrorKind::kTimedOut: receipt_.ending = Ending::kTimedOut; break;
    case ErrorKind::kShutdown: receipt_.ending = Ending::kShutdown; break;
    case ErrorKind::kUpstreamBroke:
    case ErrorKind::kUpstreamUnreachable: receipt_.ending = Ending::kUpstreamBroke; break;
    default: receipt_.ending = Ending::kRefused;
  }
  receipt_.detail = error.message;
}

void Exchange::log_names(std::string_view event, const http::Head& head) {
  if (!shared_.verbose) return;
  std::string names;
  for (const http::Field& field : head.fields) {
    if (!names.empty()) names += ',';
    names += field.name;
  }
  telemetry::Line line = shared_.log.line(telemetry::Level::kInfo, event);
  line.add("id", receipt_.id).add("names", names);
  shared_.log.write(telemetry::Level::kInfo, std::move(line));
}

}  // namespace ccproxy::proxy
