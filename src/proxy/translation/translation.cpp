#include "proxy/translation/translation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "anthropic/refusal.hpp"
#include "auth/credentials.hpp"
#include "base/status.hpp"
#include "base/text.hpp"
#include "base/timestamp.hpp"
#include "config/model_map.hpp"
#include "dialect/chat/encoder.hpp"
#include "dialect/chat/request.hpp"
#include "dialect/reply/openai_error.hpp"
#include "dialect/request/report.hpp"
#include "dialect/responses/request.hpp"
#include "proxy/state/model_resolver.hpp"
#include "proxy/state/offload.hpp"
#include "proxy/translation/reply_headers.hpp"
#include "proxy/translation/scoped_turns.hpp"
#include "proxy/translation/token_count.hpp"
#include "proxy/upstream/models.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::seconds kLookupTimeout{3};
constexpr int kMaxPauses = 8;

Error needs_own_credential() {
  return {ErrorKind::kUnauthorized,
          "CCProxy is set to pass on each client's own credential (credentials: client), which "
          "OpenAI's routes have no place for: sign in with `ccproxy login` and set credentials to "
          "auto, or use /v1/messages",
          "", "upstream_auth"};
}

bool is_plain_id(std::string_view id) {
  return !id.empty() && id.find_first_not_of(
                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789-_.") == std::string_view::npos;
}

std::string_view upstream_path(RouteKind route) {
  return route == RouteKind::kInputTokens ? "/v1/messages/count_tokens" : "/v1/messages";
}

// A little is never refused: it takes no more than the connection takes anyway.
bool hold_for_reply(MemoryReservation& hold, std::size_t size) {
  constexpr std::size_t kLittle = std::size_t{64} << 10;
  if (size > kLittle) return hold.grow(size);
  hold.grow_anyway(size);
  return true;
}

}  // namespace

Translation::Translation(const ExchangeContext& exchange, const Route& route,
                         MemoryReservation& hold)
    : exchange_(exchange),
      route_(route),
      hold_(hold),
      attempts_(exchange, upstream_path(route.kind), request_, [this] { return decode_again(); }),
      repeated_(exchange.worker.shared.held, MemoryReservation::For::kRequest),
      session_(exchange, route.kind) {}

Translation::~Translation() {
  session_.close();
  free_all();
}

Task<Result<void>> Translation::run(RequestBody body) {
  take_body(std::move(body));
  auto prepared = co_await prepare();
  if (!prepared) co_return prepared;
  auto head = co_await attempts_.send();
  if (!head) co_return fail(head.error());
  if (head->status != status::kOk) co_return co_await refuse(*head);
  if (route_.kind == RouteKind::kInputTokens)
    co_return co_await send_token_count(exchange_, route_, *head);
  co_return co_await send_reply(std::move(*head));
}

Task<Result<void>> Translation::run_in_background(RequestBody body, OnQueued on_queued) {
  take_body(std::move(body));
  auto prepared = co_await prepare();
  if (!prepared) co_return prepared;
  auto queued = co_await queue();
  if (!queued) co_return fail(queued.error());
  on_queued(std::move(*queued));
  TranslatedReply reply(exchange_, *encoder_, reply_options());
  auto head = co_await attempts_.send();
  if (!head) {
    const Error error = exchange_.upstream.explain(head.error());
    co_return co_await reply.break_off(error);
  }
  if (!request_.decoded.may_pause) free_request();
  co_await session_.start(recorded_size());
  co_return co_await send_reply(reply, std::move(*head));
}

void Translation::take_body(RequestBody body) {
  body_ = std::move(body);
  size_ = body_.text().size();
}

// Everything before the first attempt.
Task<Result<void>> Translation::prepare() {
  const auto credential_status = exchange_.worker.shared.credentials.credential_status();
  if (credential_status->credential.kind == auth::CredentialKind::kClient)
    co_return fail(needs_own_credential());
  scope_.credential = auth::tag_of(*credential_status);
  scope_.key = exchange_.receipt.key;
  request_.owner = {scope_.credential, scope_.key};
  const auto choose = [this](Parsers with) { return choose_model(with.outline); };
  auto chosen = co_await offload(exchange_.worker, exchange_.upstream, size_, choose);
  if (!chosen) co_return chosen;
  auto fetched = co_await session_.load_history(hold_);
  if (!fetched) co_return fail(fetched.error());
  size_ += *fetched;
  ModelFacts& facts = exchange_.worker.shared.facts;
  if (is_plain_id(request_.model) && facts.claim_lookup(request_.model)) co_await look_up_model();
  auto decoded = co_await decode();
  if (!decoded) co_return decoded;
  if (!hold_repeated()) co_return too_much_memory_held();
  co_return Result<void>{};
}

Result<void> Translation::choose_model(json::Outline& outline) {
  if (auto read = outline.read(body_.text()); !read) return read;
  const std::string& default_model =
      route_.model.empty() ? exchange_.config.translation.default_model : route_.model;
  auto requested = dialect::requested_model(outline, default_model);
  if (!requested) return fail(requested.error());
  requested_model_ = std::move(*requested);
  std::string& name = requested_model_.name;
  if (!route_.model.empty()) requested_model_.defaulted = false;  // the path has named it
  // A mapping of the whole name, its suffix included, is what the user has configured.
  if (config::find_mapping(exchange_.config.model_mapping, name) == nullptr) strip_suffix(name);
  request_.model =
      ModelResolver(exchange_.worker.shared).resolve(exchange_.config, name, exchange_.receipt);
  strip_suffix(request_.model);
  exchange_.receipt.model_sent = request_.model;
  session_.note_references(outline.root());
  return {};
}

// A model that can have a long context has it without the suffix; a client that wrote the suffix
// gets a warning that it was ignored.
void Translation::strip_suffix(std::string& name) {
  const auto size = anthropic::strip_context_suffix(name).size();
  if (size == name.size()) return;
  name.resize(size);
  requested_model_.marked = true;
}

Task<void> Translation::look_up_model() {
  const std::string rest = fmt::format("/{}", request_.model);
  auto body = co_await fetch_models(exchange_.worker, rest, kLookupTimeout,
                                    exchange_.upstream.while_client_waits());
  if (body) exchange_.worker.shared.facts.note(request_.model, *body);
}

Task<Result<void>> Translation::decode() {
  const auto decoding = [this](Parsers with) { return decode(with.outline); };
  co_return co_await offload(exchange_.worker, exchange_.upstream, size_, decoding);
}

Task<Result<bool>> Translation::decode_again() {
  auto decoded = co_await decode();
  if (!decoded) co_return fail(decoded.error());
  co_return has_changed_;
}

Result<void> Translation::decode(json::Outline& outline) {
  Shared& shared = exchange_.worker.shared;
  if (auto read = outline.read(body_.text()); !read) return read;
  const std::string& model = request_.model;
  const anthropic::Capabilities can = shared.facts.of(model);
  scope_.family = shared.models.family_of(model) ? std::string(can.family) : model;
  const ScopedTurns turns(shared.thinking, scope_);
  const auto refused_schemas = shared.facts.refused_schemas(request_.owner, model);
  const TranslationOptions& options = exchange_.config.translation;
  const std::string client = lowered(exchange_.head.get("user-agent"));
  const RequestCorrections& corrections = attempts_.corrections();
  const dialect::RequestContext context{
      .requested = requested_model_,
      .model = model,
      .can = can,
      .options = options,
      .strict = options.strict || same_text(exchange_.head.get("x-ccproxy-strict"), "true"),
      .is_unknown = !shared.facts.knows(model),
      .is_cursor = client.find("cursor") != std::string::npos,
      .is_codex = client.starts_with("codex"),
      .max_tokens_limit = corrections.max_tokens,
      .refused_schemas = refused_schemas,
      .refused_members = corrections.refused_tool_members,
      .account = scope_.credential,
      .memory = shared.thinking.holds(scope_) ? &turns : nullptr,
      .history = &session_.history(),
      .can_store = session_.can_store(),
      .key = session_.key(),
      .compacts = route_.kind == RouteKind::kCompaction,
      .counts = route_.kind == RouteKind::kInputTokens};
  auto decoded = decode_body(outline, context);
  if (!decoded) return fail(decoded.error());
  const std::size_t size_before = request_.decoded.body.size();  // 0 at first
  has_changed_ = decoded->body != request_.decoded.body || decoded->betas != request_.decoded.betas;
  request_.decoded = std::move(*decoded);
  const dialect::ReplyPlan& plan = request_.decoded.plan;
  session_.note_input(outline.root(), plan.responses);
  hold_.shrink(size_before);
  if (!hold_.grow(request_.decoded.body.size())) return too_much_memory_held();
  exchange_.receipt.ignored = dialect::header_list(plan.ignored);
  for (const std::string& warning : plan.warnings) exchange_.receipt.warn(warning, {});
  return {};
}

// Clients of one route send the other's requests, too, so the body decides how it is read.
Result<dialect::Decoded> Translation::decode_body(const json::Outline& outline,
                                                  const dialect::RequestContext& context) const {
  const json::Value request = outline.root();
  if (is_responses(route_.kind)) return dialect::decode_responses(outline, context);
  if (route_.kind == RouteKind::kCompletion) return dialect::decode_completion(outline, context);
  const bool has_input = !request["input"].is_absent() && request["messages"].is_absent();
  return has_input ? dialect::decode_responses(outline, context)
                   : dialect::decode_chat(outline, context);
}

// Reserves memory for what the reply repeats, before the upstream has any cost, and until the reply
// has ended: its end repeats all of it, and must not wait for others that wait to end. What the
// request holds is moved to this reservation when the request is freed.
bool Translation::hold_repeated() {
  const dialect::ReplyPlan& plan = request_.decoded.plan;
  const std::size_t size = session_.repeated_size(plan);
  const bool is_freed_early = !request_.decoded.may_pause && !plan.responses.is_background;
  const std::size_t later =
      is_freed_early ? std::min(size - plan.responses.echoed_bytes(), hold_.size()) : 0;
  return hold_for_reply(repeated_, size - later);
}

void Translation::make_encoder() {
  const dialect::ReplyPlan& plan = request_.decoded.plan;
  const std::int64_t created = now_in_seconds();
  if (is_responses(route_.kind)) {
    encoder_ = session_.make_encoder(plan, created);
    return;
  }
  const std::string_view prefix = plan.text_completion ? "cmpl-" : "chatcmpl-";
  encoder_ = dialect::make_chat_encoder(
      plan, {fmt::format("{}{}", prefix, exchange_.receipt.id), created});
}

// The response object counts apart: it lives until the client has taken it.
Task<Result<QueuedResponse>> Translation::queue() {
  QueuedResponse queued{
      .held = MemoryReservation(exchange_.worker.shared.held, MemoryReservation::For::kRequest)};
  const bool is_shown = !request_.decoded.plan.stream;
  const std::size_t size = is_shown ? request_.decoded.plan.responses.echoed_bytes() : 0;
  if (!hold_for_reply(queued.held, size)) co_return too_much_memory_held();
  std::string object;
  const auto queueing = [this, is_shown, &queued, &object] {
    make_encoder();
    if (!session_.running()) return;
    object = session_.emit_queued();
    if (is_shown) queued.object = object;
  };
  co_await offload_accepted(exchange_.worker, recorded_size(), queueing);
  if (!session_.running())
    co_return fail(ErrorKind::kInternal, "a background response that is not kept");
  auto stored = co_await session_.store_queued(std::move(object));
  if (!stored) co_return fail(stored.error());
  queued.fields = base_reply_headers(exchange_);
  queued.running = session_.running();
  co_return std::move(queued);
}

// A stream of chat chunks leaves nothing behind but the turn that is remembered. A response repeats
// all of its content at its end, and what is stored is made beside that.
TranslatedReply::ReplyOptions Translation::reply_options() const {
  constexpr std::size_t kBlocks = 2, kWhole = 2, kResponse = 4, kStored = 4;
  const dialect::Decoded& decoded = request_.decoded;
  const auto& running = session_.running();
  TranslatedReply::ReplyOptions options{
      .dialect = route_.dialect,
      .streams = decoded.plan.stream,
      .wants_transcript = decoded.has_tools || decoded.may_pause || running != nullptr,
      .always_replies = running && running->is_background(),
      .recorder = session_.recorder()};
  if (is_responses(route_.kind))
    options.cost = kResponse;
  else if (!decoded.plan.stream)
    options.cost = kWhole;
  if (options.wants_transcript) options.recorded_cost += kBlocks;
  if (running) options.recorded_cost += kStored;
  return options;
}

Task<Result<void>> Translation::send_reply(http::ResponseHead head) {
  const auto making = [this] { make_encoder(); };
  co_await offload_accepted(exchange_.worker, recorded_size(), making);
  TranslatedReply::ReplyOptions options = reply_options();
  options.fields = reply_headers(exchange_, head);
  TranslatedReply reply(exchange_, *encoder_, std::move(options));
  co_return co_await send_reply(reply, std::move(head));
}

Task<Result<void>> Translation::send_reply(TranslatedReply& reply, http::ResponseHead head) {
  attempts_.freeze_request();
  if (!request_.decoded.may_pause) free_request();
  Result<void> taken;
  if (head.status == status::kOk) taken = co_await take_all(reply, head);
  if (!taken) {
    const Error error = exchange_.upstream.explain(taken.error());
    exchange_.upstream.response().abort();
    co_return co_await reply.break_off(error);
  }
  if (head.status != status::kOk) {
    auto error = upstream_error(head);
    co_return co_await reply.break_off(std::move(error), attempts_.error_body());
  }
  // The client may come back with the results of its tools as soon as it has seen the end.
  const auto remembering = [this, &reply] { remember(reply.transcript()); };
  co_await offload_accepted(exchange_.worker, reply.transcript().blocks().size(), remembering);
  auto finished = co_await reply.finish();
  co_await exchange_.upstream.drain_response();
  co_return finished;
}

// Takes the messages of one reply. `head` becomes that of the last one, or of the error that came
// instead of it. A turn that paused is sent behind the request, in place of the paused turn before
// it; the reservation of the reply counts it.
Task<Result<void>> Translation::take_all(TranslatedReply& reply, http::ResponseHead& head) {
  std::string& body = request_.decoded.body;
  const std::size_t size = body.size();  // without a paused turn
  for (int pauses = 0;; ++pauses) {
    auto taken = co_await reply.take(head);
    if (!taken) co_return taken;
    const bool may_go_on = request_.decoded.may_pause && reply.paused() && pauses < kMaxPauses;
    if (!may_go_on || reply.transcript().empty()) co_return Result<void>{};
    co_await exchange_.upstream.drain_response();
    const auto continuing = [size, &body, &reply] {
      dialect::append_turn(body, size, reply.transcript().blocks());
    };
    co_await offload_accepted(exchange_.worker, body.size(), continuing);
    auto next = co_await reply.meanwhile(attempts_.send());
    if (!next) co_return fail(next.error());
    head = std::move(*next);
    if (head.status != status::kOk) co_return Result<void>{};
  }
}

Task<Result<void>> Translation::refuse(const http::ResponseHead& head) {
  const anthropic::Refusal refusal = anthropic::refusal_of(head.status, attempts_.error_body());
  if (!refusal.token.empty()) exchange_.receipt.warn(refusal.token, refusal.meaning);
  auto error = upstream_error(head);
  co_return co_await send_error_reply(exchange_, std::move(error));
}

dialect::ErrorReply Translation::upstream_error(const http::ResponseHead& head) const {
  const auto fields = field_views(head);
  return dialect::openai_error(route_.dialect, {head.status, attempts_.error_body(), fields},
                               exchange_.receipt.id, wall_now());
}

void Translation::remember(const anthropic::Transcript& transcript) {
  const dialect::Decoded& decoded = request_.decoded;
  if (transcript.empty() || !decoded.has_tools) return;
  auto turn = anthropic::turn_with_calls(std::string(transcript.blocks()), decoded.question);
  if (turn) exchange_.worker.shared.thinking.remember(scope_, std::move(*turn), Clock::now());
}

// Bytes of the request that the reply repeats, or that are stored with it.
std::size_t Translation::recorded_size() const { return is_responses(route_.kind) ? size_ : 0; }

// A request does not take memory while a long reply runs.
void Translation::free_request() {
  struct Request {
    RequestBody body;
    dialect::History history;
    std::string translated_body;
  } request{std::exchange(body_, {}), session_.take_history(),
            std::exchange(request_.decoded.body, {})};
  free_offloaded(exchange_.worker.shared, size_, request);
  const std::size_t repeated = session_.repeated_size(request_.decoded.plan);
  const std::size_t missing = repeated - std::min(repeated, repeated_.size());
  repeated_.take_from(hold_, std::min(missing, hold_.size()));
  hold_.release();
}

void Translation::free_all() {
  free_request();
  encoder_.reset();
  free_offloaded(exchange_.worker.shared, size_, request_.decoded);
  dialect::References references = session_.take_references();
  free_offloaded(exchange_.worker.shared, size_, references);
}

}  // namespace ccproxy::proxy
