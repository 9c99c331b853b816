// One request, from its head to its receipt. Start reading here: it is the program. This file
// refuses to know JSON (anthropic, dialect), bytes on the wire (http) and where a credential comes
// from (auth).
//
//   head -> admit -> find route -> read body -> map the model -> credential -> send
//        -> (next piece of the answer -> write, waiting for a slow client)* -> receipt
//
// The second line stands in exchange_relay.cpp.

#include "proxy/exchange.hpp"

#include <fmt/format.h>

#include <exception>
#include <new>
#include <unordered_map>
#include <utility>

#include "anthropic/request.hpp"
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
#include "proxy/upstream/header_trace.hpp"
#include "telemetry/refusals.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMaxClientName = 64;
constexpr std::chrono::seconds kRetryAfter{1};

void rename(RequestBody& body, const anthropic::RequestFacts& facts, std::string_view model) {
  std::string& text = body.text();
  anthropic::replace_model(text, facts, model);
  text.reserve(text.size() + json::kPadding);  // it may be read once more
}

std::string product_of(std::string_view user_agent) {
  return std::string(user_agent.substr(0, std::min(user_agent.find(' '), kMaxClientName)));
}

constexpr std::string_view kNothingStored =
    R"({"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false})";

Error no_conversations() {
  return {ErrorKind::kInvalidRequest,
          "Conversations are not available: continue a response with previous_response_id.",
          "conversation", "unsupported_parameter"};
}

Error nothing_stored() {
  return {ErrorKind::kNotFound, "There is no chat completion of that id: CCProxy stores none.",
          "completion_id"};
}

Error too_many_in_the_background() {
  return {ErrorKind::kBusy,
          "too many responses in the background (limits.connections, or the files that the system "
          "lets CCProxy have open): try again later",
          "", "", kRetryAfter};
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
  if (may_be_told_) telemetry::write_receipt(shared_.log, receipt_, Clock::now());
}

Task<void> Exchange::turn_away(http::RequestHead head, Error error) {
  head_ = std::move(head);
  dialect_ = dialect_of(head_);
  client_->close_after_reply();
  co_await refuse(std::move(error));
}

// Whatever is thrown on the way, as a rule since there is no memory, ends this exchange alone: with
// an error while nothing of the reply has left, else with a cut.
Task<Result<void>> Exchange::serve_safely() {
  Error thrown{ErrorKind::kBusy, "", "", "", kRetryAfter};
  try {
    auto served = co_await serve();
    co_return served;
  } catch (const std::bad_alloc&) {
    thrown.message = "there is not enough memory for this request: try again";
  } catch (const std::exception& error) {
    thrown.message = "this request could not be served: try again";
    shared_.log.say(telemetry::Level::kError, "exception", error.what());
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
    if (!fields.empty()) co_return co_await answer(204, {}, {}, fields);
  }
  auto pass = admit(head_, *config_, trusted_);
  auto route = find_route(head_);
  const bool is_unknown = !pass && pass.error().code != dialect::kMisdirectedRequest;
  if (is_unknown && route && allows(*route, head_.method)) {
    // Whoever has shown nothing is told that something runs here, and no more.
    if (route->kind == RouteKind::kHealth)
      co_return co_await answer(200, "application/json", kBareHealth);
    if (route->kind == RouteKind::kProbe && !is_foreign_fetch(head_))
      co_return co_await answer(200, "text/plain", "");
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
      co_return co_await answer(200, "application/json", kNothingStored);
    case RouteKind::kCompletion:
    case RouteKind::kResponses:
    case RouteKind::kCompaction:
    case RouteKind::kInputTokens: co_return co_await translate(*route);
    case RouteKind::kStoredResponse: co_return co_await show_response(*route);
    case RouteKind::kConversation: co_return fail(no_conversations());
    case RouteKind::kStoredChat: co_return fail(nothing_stored());
    default: co_return co_await answer_here(*route);
  }
}

// Whoever tries keys by the thousand does not fill the log.
void Exchange::note_refusal(const Error& error) {
  receipt_.peer = client_->stream().peer();
  if (error.kind == ErrorKind::kUnauthorized)
    may_be_told_ = shared_.refused_keys.count(receipt_.peer, Clock::now());
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
  net::Cancellation& waiting = upstream_.while_client_waits();
  co_await refresh_models(worker_, waiting);
  if (waiting.cancelled()) co_return fail(ErrorKind::kClosed, "cancelled");
  auto body = route.kind == RouteKind::kModels
                  ? list_models(shared_.catalog, head_)
                  : show_model(shared_.catalog, shared_.models, head_, route.path);
  if (!body) co_return fail(body.error());
  co_return co_await answer(200, "application/json", *body);
}

Task<Result<void>> Exchange::forward_message(const Route& route) {
  MemoryReservation hold(shared_.held, MemoryReservation::For::kRequest);
  auto body = co_await read_body(hold);
  if (!body) co_return fail(body.error());

  std::optional<ErrorBody> error_body;
  auto head = co_await ask_message(route, *body, error_body);
  if (!head) co_return fail(head.error());

  *body = RequestBody();  // a long answer does not hold its question
  hold.release();
  if (error_body) co_return co_await relay_error(route, std::move(*head), std::move(*error_body));
  co_return co_await relay(route, std::move(*head));
}

// Asks a second time where the model turned out to have retired: then its successor.
Task<Result<http::ResponseHead>> Exchange::ask_message(const Route& route, RequestBody& body,
                                                       std::optional<ErrorBody>& error_body) {
  auto is_renamed = co_await map_model(body);
  if (!is_renamed) co_return fail(is_renamed.error());
  for (bool again = false;; again = true) {
    const bool decoded = *is_renamed && body.coding != http::Coding::kIdentity;
    const UpstreamTarget asked{head_, upstream_target(route), decoded};
    auto head = co_await upstream_.send(asked, decoded ? body.decoded : body.sent);
    if (!head || head->status != status::kNotFound) co_return head;
    error_body = co_await upstream_.read_error_body();
    if (again) co_return head;
    const std::string successor = ModelResolver(shared_).successor_of_missing(
        *config_, error_body->text, wall_now(), receipt_);
    if (successor.empty()) co_return head;
    auto replaced = co_await replace_model(body, successor);
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
    auto wishes = co_await wishes_of(body->text());
    if (!wishes) co_return fail(wishes.error());
    if (wishes->is_background)
      co_return co_await respond_in_background(route, std::move(*body), wishes->streams, hold);
  }
  ClientSink sink(*client_);
  const ExchangeContext exchange{worker_, *config_, sink, head_, upstream_, receipt_, cors_fields_};
  Translation translation(exchange, route, hold);
  co_return co_await translation.run(std::move(*body));
}

// Parsed only where the word stands in it at all.
Task<Result<Exchange::Wishes>> Exchange::wishes_of(std::string_view body) {
  Wishes wishes;
  const auto read = [body, &wishes](Parsers with) -> Result<void> {
    if (body.find("\"background\"") == std::string_view::npos) return {};
    if (!with.outline.read(body)) return {};  // who decodes it says what is wrong with it
    const json::Value request = with.outline.root();
    wishes.is_background = request["background"].boolean().value_or(false);
    wishes.streams = request["stream"].boolean().value_or(false);
    return {};
  };
  auto done = co_await work_apart(worker_, upstream_, body.size(), read);
  if (!done) co_return fail(done.error());
  co_return wishes;
}

// The request goes on by itself; the client is told that it waits, or follows it.
Task<Result<void>> Exchange::respond_in_background(const Route& route, RequestBody body,
                                                   bool streams, MemoryReservation& hold) {
  Place place = shared_.places.take_background();
  if (!place) co_return fail(too_many_in_the_background());
  const auto response = std::make_shared<BackgroundResponse>(worker_, config_, copy_of(head_),
                                                             route, receipt_, std::move(place));
  auto queued = co_await response->start(std::move(body), hold);
  if (!queued) co_return fail(queued.error());
  if (streams) {
    std::string id = queued->running->id(), fields = queued->fields + cors_fields_;
    queued->running.reset();  // whoever looks at it does not keep it
    co_return co_await follow(std::move(id), -1, std::move(fields));
  }
  std::string fields;
  http::append_field(fields, "content-type", "application/json");
  fields += queued->fields + cors_fields_;
  receipt_.status = 200;
  co_return co_await client_->answer(200, fields, queued->object);
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
  // Until the client has taken it.
  const auto hold =
      std::make_shared<MemoryReservation>(shared_.held, MemoryReservation::For::kRequest);
  const ResponseEndpoint endpoint(shared_.responses, worker_.runtime);
  auto body = co_await endpoint.serve(request, hold);
  if (!body) co_return fail(body.error());
  co_return co_await answer(200, "application/json", *body, fields);
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

// Codex tries a WebSocket first, and takes this status alone as a reason not to try again.
Task<Result<void>> Exchange::refuse_upgrade() {
  const Error error{ErrorKind::kInvalidRequest,
                    "Responses are not available over a WebSocket here: use HTTP."};
  const std::string body = dialect::error_body(dialect_, error, receipt_.id);
  client_->close_after_reply();
  co_return co_await answer(status::kUpgradeRequired, "application/json", body);
}

Task<Result<void>> Exchange::forward_relay(const Route& route) {
  const UpstreamTarget asked{head_, upstream_target(route)};
  if (is_file_content(route)) cors_fields_ += kSandboxField;
  Result<http::ResponseHead> head;
  if (client_->has_body()) {
    head = co_await upstream_.upload(asked);
  } else {
    head = co_await upstream_.send(asked, {});
  }
  if (!head) co_return fail(head.error());
  co_return co_await relay(route, std::move(*head));
}

// A batch has a name of a model in each of its requests. One that is too large to be held, or that
// nobody here can read, goes up as it comes, and the client is told that its names are its own.
Task<Result<void>> Exchange::forward_batch(const Route& route) {
  const auto length = client_->body_length();
  if (!length || *length > config_->limits.body_bytes || head_.find("content-encoding")) {
    receipt_.warn("batch_not_mapped", {});
    co_return co_await forward_relay(route);
  }
  MemoryReservation hold(shared_.held, MemoryReservation::For::kRequest);
  auto body = co_await read_body(hold);
  if (!body) co_return fail(body.error());
  const auto map = [this, &body, &hold](Parsers) { return map_batch(*body, hold); };
  auto mapped = co_await work_apart(worker_, upstream_, body->sent.size(), map);
  if (!mapped) co_return fail(mapped.error());
  const UpstreamTarget asked{head_, upstream_target(route)};
  auto head = co_await upstream_.send(asked, body->sent);
  if (!head) co_return fail(head.error());
  *body = RequestBody();
  hold.release();
  co_return co_await relay(route, std::move(*head));
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
  // Nothing that the client could do again would mend the credential.
  if (dialect_ != dialect::Dialect::kMessages && error.code == "upstream_auth")
    http::append_field(fields, "x-should-retry", "false");
  const std::string body = dialect::error_body(dialect_, error, receipt_.id);
  const int status = dialect::status_of(dialect_, error);
  (void)co_await answer(status, "application/json", body, fields);
}

void Exchange::cut() {
  upstream_.cancel(ErrorKind::kShutdown);
  if (follower_ != nullptr) follower_->cut();
}

// Read whole and unfolded.
Task<Result<RequestBody>> Exchange::read_body(MemoryReservation& hold) {
  const std::size_t limit = config_->limits.body_bytes;
  auto body = co_await read_whole_body(*client_, head_, limit, hold);
  if (!body || body->coding == http::Coding::kIdentity) co_return body;
  auto unfolded = co_await unfold(worker_, upstream_, *body, limit, hold);
  if (!unfolded) co_return fail(unfolded.error());
  co_return body;
}

// False when the body goes as it is.
Task<Result<bool>> Exchange::map_model(RequestBody& body) {
  bool is_renamed = false;
  const auto map = [this, &body, &is_renamed](Parsers with) -> Result<void> {
    auto facts = anthropic::read_facts(with.reader, body.text());
    if (!facts || !facts->model) return {};
    const std::string name = ModelResolver(shared_).resolve(*config_, *facts->model, receipt_);
    is_renamed = name != *facts->model;
    if (is_renamed) rename(body, *facts, name);
    return {};
  };
  auto mapped = co_await work_apart(worker_, upstream_, body.text().size(), map);
  if (!mapped) co_return fail(mapped.error());
  co_return is_renamed;
}

Task<Result<void>> Exchange::replace_model(RequestBody& body, std::string name) {
  const auto replace = [&body, &name](Parsers with) -> Result<void> {
    if (auto facts = anthropic::read_facts(with.reader, body.text())) rename(body, *facts, name);
    return {};
  };
  co_return co_await work_apart(worker_, upstream_, body.text().size(), replace);
}

// What cannot be read goes as it is: the upstream says what is wrong with it.
Result<void> Exchange::map_batch(RequestBody& body, MemoryReservation& hold) {
  auto models = anthropic::read_batch_models(body.sent);
  if (!models) return {};
  bool is_changed = false;
  std::unordered_map<std::string, std::string> served;  // most ask for the same
  for (anthropic::BatchModel& model : *models) {
    const auto [known, is_new] = served.try_emplace(model.name);
    if (is_new) known->second = ModelResolver(shared_).resolve(*config_, model.name, receipt_);
    std::string name = known->second;
    is_changed = is_changed || name != model.name;
    model.name = std::move(name);
  }
  receipt_.model_requested.clear();  // there may be many
  receipt_.model_sent.clear();
  if (!is_changed) return {};
  if (!hold.grow(body.sent.size()))  // both stand there for a moment
    return fail({ErrorKind::kBusy, "too many large requests at once (limits.heldBytes): try again",
                 "", "", kRetryAfter});
  body.sent = anthropic::with_models(body.sent, *models);
  return {};
}

std::string Exchange::upstream_target(const Route& route) const {
  std::string target = upstream_.prefix();
  return target.append(route.path).append(head_.query());
}

}  // namespace ccproxy::proxy
