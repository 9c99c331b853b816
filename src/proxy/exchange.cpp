// One request, from its head to its receipt. Start reading here: it is the program. This file
// refuses to know JSON (anthropic, dialect), bytes on the wire (http) and where a credential comes
// from (auth).
//
//   head -> admit -> find route -> read body -> map the model -> credential -> send
//        -> (next piece of the response -> write, waiting for a slow client)* -> receipt
//
// The second line is in relay.cpp. A request in one of OpenAI's dialects takes the steps of
// translation/translation.hpp instead, from its body on.

#include "proxy/exchange.hpp"

#include <fmt/format.h>

#include <exception>
#include <new>
#include <utility>

#include "base/status.hpp"
#include "base/text.hpp"
#include "config/live.hpp"
#include "dialect/error.hpp"
#include "proxy/door/gate.hpp"
#include "proxy/door/request_id.hpp"
#include "proxy/endpoints/health.hpp"
#include "proxy/endpoints/models.hpp"
#include "proxy/endpoints/response_follower.hpp"
#include "proxy/endpoints/responses.hpp"
#include "proxy/state/descriptor_budget.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/state/model_resolver.hpp"
#include "proxy/state/offload.hpp"
#include "proxy/translation/background.hpp"
#include "proxy/translation/translation.hpp"
#include "proxy/unsupported.hpp"
#include "proxy/upstream/header_trace.hpp"
#include "telemetry/refusals.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMaxClientName = 64;
constexpr std::chrono::seconds kRetryAfter{1};

std::string product_of(std::string_view user_agent) {
  return std::string(user_agent.substr(0, std::min(user_agent.find(' '), kMaxClientName)));
}

}  // namespace

Exchange::Exchange(WorkerState& worker, std::shared_ptr<http::ServerConnection> client,
                   bool trusted)
    : worker_(worker),
      shared_(worker.shared),
      config_(shared_.config.get()),
      client_(std::move(client)),
      trusted_(trusted),
      upstream_(worker, client_.get(), receipt_) {
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
  trace_header_names(shared_, receipt_.id, "request_fields", head_);

  auto served = co_await serve_safely();
  if (!served) {
    const Error error = upstream_.explain(served.error());
    co_await refuse(error);
  }
  if (writes_receipt_) telemetry::write_receipt(shared_.log, receipt_, Clock::now());
}

Task<void> Exchange::turn_away(http::RequestHead head, Error error) {
  head_ = std::move(head);
  dialect_ = dialect_of(head_);
  client_->close_after_reply();
  co_await refuse(std::move(error));
}

// An exception, as a rule for lack of memory, ends this exchange alone: with an error while nothing
// of the reply has left, else with a cut.
Task<Result<void>> Exchange::serve_safely() {
  Error thrown{ErrorKind::kBusy, "", "", "", kRetryAfter};
  try {
    auto served = co_await serve();
    co_return served;
  } catch (const std::bad_alloc&) {
    thrown.message = "there is not enough memory for this request: try again";
  } catch (const std::exception& error) {
    thrown.message = "this request could not be served: try again";
    shared_.log.write_message(telemetry::Level::kError, "exception", error.what());
  }
  follower_ = nullptr;
  if (!client_->reply_begun()) co_return fail(std::move(thrown));
  if (client_->reply_unsent()) {
    client_->discard_reply();
    co_return fail(std::move(thrown));
  }
  note_ending(receipt_, thrown);
  client_->cut_reply();
  co_return Result<void>{};
}

Task<void> Exchange::refuse_head(Error error, std::string path) {
  head_.target = path;
  dialect_ = dialect_of(head_);
  head_.target = {};
  co_await refuse(std::move(error));
  telemetry::write_receipt(shared_.log, receipt_, Clock::now());
}

Task<Result<void>> Exchange::serve() {
  if (is_preflight(head_)) {
    const std::string fields = preflight_fields(head_, *config_);
    if (!fields.empty()) co_return co_await reply(204, {}, {}, fields);
  }
  auto pass = admit(head_, *config_, trusted_);
  auto route = find_route(head_);
  const bool is_unknown = !pass && pass.error().code != dialect::kMisdirectedRequest;
  if (is_unknown && route && allows(*route, head_.method)) {
    // A client without a key learns that something runs here, and no more.
    if (route->kind == RouteKind::kHealth)
      co_return co_await reply(200, "application/json", kBareHealth);
    if (route->kind == RouteKind::kProbe && !is_foreign_fetch(head_))
      co_return co_await reply(200, "text/plain", "");
  }
  if (!pass) {
    note_refusal(pass.error());
    co_return fail(pass.error());
  }
  receipt_.key = std::move(pass->key_name);
  cors_fields_ = std::move(pass->cors_fields);

  if (!route) {
    if (route.error().kind == ErrorKind::kNotFound) note_unknown_route(receipt_);
    co_return fail(route.error());
  }
  receipt_.route = route->name;
  dialect_ = route->dialect;
  if (route->kind == RouteKind::kResponses && same_text(head_.get("upgrade"), "websocket"))
    co_return co_await refuse_upgrade();
  if (!allows(*route, head_.method)) {
    allow_ = route->allow;
    co_return fail(ErrorKind::kMethodNotAllowed,
                   fmt::format("{} is not allowed here; allowed: {}", head_.method, route->allow));
  }
  switch (route->kind) {
    case RouteKind::kMessage: co_return co_await forward_message(*route);
    case RouteKind::kRelay: co_return co_await forward_relay(*route);
    case RouteKind::kBatches:
      if (head_.method == "POST") co_return co_await forward_batch(*route);
      co_return co_await forward_relay(*route);
    case RouteKind::kChat:
      if (head_.method == "POST") co_return co_await translate(*route);
      co_return co_await reply(200, "application/json", kNoStoredChats);
    case RouteKind::kCompletion:
    case RouteKind::kResponses:
    case RouteKind::kCompaction:
    case RouteKind::kInputTokens: co_return co_await translate(*route);
    case RouteKind::kStoredResponse: co_return co_await show_response(*route);
    case RouteKind::kConversation: co_return fail(no_conversations());
    case RouteKind::kStoredChat: co_return fail(no_stored_chat());
    default: co_return co_await reply_locally(*route);
  }
}

// A client that tries keys by the thousand must not fill the log.
void Exchange::note_refusal(const Error& error) {
  receipt_.peer = client_->stream().peer();
  if (error.kind == ErrorKind::kUnauthorized)
    writes_receipt_ = shared_.refused_keys.count(receipt_.peer, Clock::now());
}

Task<Result<void>> Exchange::reply_locally(const Route& route) {
  if (route.kind == RouteKind::kHealth) {
    const std::string body = health(shared_);
    co_return co_await reply(200, "application/json", body);
  }
  if (route.kind == RouteKind::kProbe) {
    const std::string body = fmt::format("CCProxy {} is running.\n", shared_.version);
    co_return co_await reply(200, "text/plain; charset=utf-8", body);
  }
  net::Cancellation& waiting = upstream_.while_client_waits();
  co_await refresh_models(worker_, waiting);
  if (waiting.cancelled()) co_return fail(ErrorKind::kClosed, "cancelled");
  auto body = route.kind == RouteKind::kModels
                  ? list_models(shared_.catalog, head_)
                  : show_model(shared_.catalog, shared_.models, head_, route.path);
  if (!body) co_return fail(body.error());
  co_return co_await reply(200, "application/json", *body);
}

Task<Result<void>> Exchange::forward_message(const Route& route) {
  MemoryReservation hold(shared_.held, MemoryReservation::For::kRequest);
  auto body = co_await read_body(hold);
  if (!body) co_return fail(body.error());

  std::optional<ErrorBody> error_body;
  auto head = co_await send_message(route, *body, error_body);
  if (!head) co_return fail(head.error());

  *body = RequestBody();  // a request takes no memory while a long reply runs
  hold.release();
  Relay relayed = relay(route);
  if (error_body)
    co_return co_await relayed.pass_on_error(std::move(*head), std::move(*error_body));
  co_return co_await relayed.pass_on(std::move(*head));
}

// Sends the request a second time where the model turned out to have retired: to its successor.
Task<Result<http::ResponseHead>> Exchange::send_message(const Route& route, RequestBody& body,
                                                        std::optional<ErrorBody>& error_body) {
  ModelRewrite rewrite = model_rewrite();
  auto is_renamed = co_await rewrite.map(body);
  if (!is_renamed) co_return fail(is_renamed.error());
  for (bool again = false;; again = true) {
    const bool decoded = *is_renamed && body.coding != http::Coding::kIdentity;
    const UpstreamTarget target{head_, upstream_target(route), decoded};
    auto head = co_await upstream_.send(target, decoded ? body.decoded : body.sent);
    if (!head || head->status != status::kNotFound) co_return head;
    error_body = co_await upstream_.read_error_body();
    if (again) co_return head;
    const std::string successor = ModelResolver(shared_).successor_of_missing(
        *config_, error_body->text, wall_now(), receipt_);
    if (successor.empty()) co_return head;
    auto replaced = co_await rewrite.replace(body, successor);
    if (!replaced) co_return fail(replaced.error());
    is_renamed = true;
    error_body.reset();
  }
}

Task<Result<void>> Exchange::translate(const Route& route) {
  MemoryReservation hold(shared_.held, MemoryReservation::For::kRequest);
  auto body = co_await read_body(hold);
  if (!body) co_return fail(body.error());
  if (route.kind == RouteKind::kResponses) {
    auto mode = co_await response_mode(worker_, upstream_, body->text());
    if (!mode) co_return fail(mode.error());
    if (mode->is_background)
      co_return co_await respond_in_background(route, std::move(*body), mode->streams, hold);
  }
  ClientSink sink(*client_);
  const ExchangeContext exchange{worker_, *config_, sink, head_, upstream_, receipt_, cors_fields_};
  Translation translation(exchange, route, hold);
  co_return co_await translation.run(std::move(*body));
}

// The request goes on without its client, who gets the queued response, or follows its events.
Task<Result<void>> Exchange::respond_in_background(const Route& route, RequestBody body,
                                                   bool streams, MemoryReservation& hold) {
  auto queued =
      co_await start_in_background(worker_, config_, head_, route, receipt_, std::move(body), hold);
  if (!queued) co_return fail(queued.error());
  if (streams) {
    std::string id = queued->running->id(), fields = queued->fields + cors_fields_;
    queued->running.reset();  // its owner alone keeps it while it is followed
    co_return co_await follow(std::move(id), -1, std::move(fields));
  }
  std::string fields;
  http::append_field(fields, "content-type", "application/json");
  fields += queued->fields + cors_fields_;
  receipt_.status = 200;
  co_return co_await client_->send_reply(200, fields, queued->object);
}

Task<Result<void>> Exchange::show_response(const Route& route) {
  const StoredResponseRequest request{route.path, head_.method, head_.query(), receipt_.key};
  std::string fields;
  http::append_field(fields, "x-request-id", receipt_.id);
  if (request.streams()) {
    const auto after = request.starting_after();
    if (!after) co_return fail(after.error());
    http::append_field(fields, "date", http::http_date(WallClock::now()));
    fields += cors_fields_;
    co_return co_await follow(request.id(), *after, std::move(fields));
  }
  // Counts the body until the client has taken it.
  const auto hold =
      std::make_shared<MemoryReservation>(shared_.held, MemoryReservation::For::kRequest);
  const ResponseEndpoint endpoint(shared_.responses, worker_.runtime);
  auto body = co_await endpoint.serve(request, hold);
  if (!body) co_return fail(body.error());
  co_return co_await reply(200, "application/json", *body, fields);
}

Task<Result<void>> Exchange::follow(std::string id, std::int64_t after, std::string fields) {
  const ResponseFollower::Context context{worker_.runtime, shared_.pool, shared_.responses,
                                          shared_.held};
  ResponseFollower follower(context, config_->timeouts.sse_keep_alive, *client_, receipt_);
  follower_ = &follower;
  auto followed = co_await follower.follow(std::move(id), after, fields);
  follower_ = nullptr;
  co_return followed;
}

Task<Result<void>> Exchange::refuse_upgrade() {
  const std::string body = dialect::error_body(dialect_, no_websocket(), receipt_.id);
  client_->close_after_reply();
  co_return co_await reply(status::kUpgradeRequired, "application/json", body);
}

Task<Result<void>> Exchange::forward_relay(const Route& route) {
  const UpstreamTarget target{head_, upstream_target(route)};
  if (is_file_content(route)) cors_fields_ += kSandboxField;
  Result<http::ResponseHead> head;
  if (client_->has_body()) {
    head = co_await upstream_.upload(target);
  } else {
    head = co_await upstream_.send(target, {});
  }
  if (!head) co_return fail(head.error());
  Relay relayed = relay(route);
  co_return co_await relayed.pass_on(std::move(*head));
}

// Each request of a batch names a model. A batch that is too large to be held, or that is coded, is
// passed on as it comes, with a warning that its models are not mapped.
Task<Result<void>> Exchange::forward_batch(const Route& route) {
  const auto length = client_->body_length();
  if (!length || *length > config_->limits.body_bytes || head_.find("content-encoding")) {
    receipt_.warn("batch_not_mapped", {});
    co_return co_await forward_relay(route);
  }
  MemoryReservation hold(shared_.held, MemoryReservation::For::kRequest);
  auto body = co_await read_body(hold);
  if (!body) co_return fail(body.error());
  ModelRewrite rewrite = model_rewrite();
  auto mapped = co_await rewrite.map_batch(*body, hold);
  if (!mapped) co_return fail(mapped.error());
  const UpstreamTarget target{head_, upstream_target(route)};
  auto head = co_await upstream_.send(target, body->sent);
  if (!head) co_return fail(head.error());
  *body = RequestBody();
  hold.release();
  Relay relayed = relay(route);
  co_return co_await relayed.pass_on(std::move(*head));
}

Relay Exchange::relay(const Route& route) {
  const Relay::Request request{.is_message = route.kind == RouteKind::kMessage,
                               .is_head = head_.method == "HEAD",
                               .more_fields = cors_fields_};
  return {worker_, *config_, *client_, upstream_, receipt_, request};
}

Task<Result<void>> Exchange::reply(int status, std::string_view content_type, std::string_view body,
                                   std::string_view more_fields) {
  std::string fields;
  http::append_field(fields, "date", http::http_date(WallClock::now()));
  if (!content_type.empty()) http::append_field(fields, "content-type", content_type);
  fields += more_fields;
  fields += cors_fields_;
  receipt_.status = status;
  co_return co_await client_->send_reply(status, fields, body);
}

Task<void> Exchange::refuse(Error error) {
  note_ending(receipt_, error);
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
  // The client cannot repair the credential by trying again.
  if (dialect_ != dialect::Dialect::kMessages && error.code == "upstream_auth")
    http::append_field(fields, "x-should-retry", "false");
  const std::string body = dialect::error_body(dialect_, error, receipt_.id);
  const int status = dialect::status_of(dialect_, error);
  (void)co_await reply(status, "application/json", body, fields);
}

void Exchange::cut() {
  upstream_.cancel(ErrorKind::kShutdown);
  if (follower_ != nullptr) follower_->cut();
}

// Reads the whole body and decodes its coding.
Task<Result<RequestBody>> Exchange::read_body(MemoryReservation& hold) {
  const std::size_t limit = config_->limits.body_bytes;
  auto body = co_await read_whole_body(*client_, head_, limit, hold);
  if (!body || body->coding == http::Coding::kIdentity) co_return body;
  auto unfolded = co_await decompress(worker_, upstream_, *body, limit, hold);
  if (!unfolded) co_return fail(unfolded.error());
  co_return body;
}

std::string Exchange::upstream_target(const Route& route) const {
  std::string target = upstream_.prefix();
  return target.append(route.path).append(head_.query());
}

}  // namespace ccproxy::proxy
