#include "proxy/translation/translation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "anthropic/error.hpp"
#include "anthropic/headers.hpp"
#include "anthropic/refusal.hpp"
#include "auth/credentials.hpp"
#include "base/status.hpp"
#include "base/text.hpp"
#include "config/model_map.hpp"
#include "dialect/chat/encoder.hpp"
#include "dialect/chat/request.hpp"
#include "dialect/reply/openai_error.hpp"
#include "dialect/request/remembered_turn.hpp"
#include "dialect/request/report.hpp"
#include "dialect/responses/input_items.hpp"
#include "dialect/responses/request.hpp"
#include "net/crypto.hpp"
#include "proxy/state/model_resolver.hpp"
#include "proxy/state/offload.hpp"
#include "proxy/state/response_store.hpp"
#include "proxy/translation/reply_headers.hpp"
#include "proxy/translation/retry.hpp"
#include "proxy/upstream/models.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::seconds kLookupPatience{3};
constexpr int kMaxPauses = 8;
constexpr std::size_t kKeyBytes = 16;  // of the random part of a response's ids

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

double random_part() {
  std::random_device device;
  return std::uniform_real_distribution<double>(0, 1)(device);
}

// What is remembered for one client, as a decoder asks for it.
class ClientTurns final : public dialect::TurnMemory {
 public:
  ClientTurns(ThinkingMemory& memory, const ThinkingScope& scope)
      : memory_(memory), scope_(scope) {}

  [[nodiscard]] Turn by_id(std::string_view tool_use_id) const override {
    return memory_.recall(scope_, tool_use_id, Clock::now());
  }
  [[nodiscard]] std::vector<Turn> alike(std::uint64_t likeness) const override {
    return memory_.alike(scope_, likeness, Clock::now());
  }

 private:
  ThinkingMemory& memory_;
  const ThinkingScope& scope_;
};

// The head of the request that goes upstream. Nothing of the client's but its betas.
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

Translation::Translation(const ExchangeContext& exchange, const Route& route,
                         MemoryReservation& hold)
    : exchange_(exchange),
      route_(route),
      hold_(hold),
      repeated_(exchange.worker.shared.held, MemoryReservation::For::kRequest) {}

Translation::~Translation() {
  if (running_) running_->close();
  free_all();
}

Task<Result<void>> Translation::run(RequestBody body) {
  take_body(std::move(body));
  auto prepared = co_await prepare();
  if (!prepared) co_return prepared;
  auto head = co_await ask();
  if (!head) co_return fail(head.error());
  if (head->status != status::kOk) co_return co_await refuse(*head);
  if (route_.kind == RouteKind::kInputTokens) co_return co_await send_token_count(*head);
  co_return co_await tell(std::move(*head));
}

void Translation::take_body(RequestBody body) {
  body_ = std::move(body);
  size_ = body_.text().size();
}

Task<Result<void>> Translation::prepare() {
  const auto credential_status = exchange_.worker.shared.credentials.credential_status();
  if (credential_status->credential.kind == auth::CredentialKind::kClient)
    co_return fail(needs_own_credential());
  scope_.credential = auth::tag_of(*credential_status);
  scope_.key = exchange_.receipt.key;
  if (is_responses(route_.kind)) archive_ = exchange_.worker.shared.responses.archive();
  const auto choose = [this](Parsers with) { return choose_model(with.outline); };
  auto chosen = co_await work_apart(exchange_.worker, exchange_.upstream, size_, choose);
  if (!chosen) co_return chosen;
  if (is_responses(route_.kind)) {
    key_ = net::random_hex(kKeyBytes);
    if (archive_) {
      auto fetched = co_await load_history();
      if (!fetched) co_return fetched;
    }
  }
  ModelFacts& facts = exchange_.worker.shared.facts;
  if (is_plain_id(model_) && facts.claim_lookup(model_)) co_await look_up_model();
  auto decoded = co_await decode();
  if (!decoded) co_return decoded;
  if (!hold_repeated()) co_return too_much_memory_held();
  co_return Result<void>{};
}

SchemaOwner Translation::schema_owner() const { return {scope_.credential, scope_.key}; }

Task<void> Translation::look_up_model() {
  const std::string rest = fmt::format("/{}", model_);
  auto body = co_await fetch_models(exchange_.worker, rest, kLookupPatience,
                                    exchange_.upstream.while_client_waits());
  if (body) exchange_.worker.shared.facts.note(model_, *body);
}

Result<void> Translation::choose_model(json::Outline& outline) {
  if (auto read = outline.read(body_.text()); !read) return read;
  const std::string& otherwise =
      route_.model.empty() ? exchange_.config.translation.default_model : route_.model;
  auto asked = dialect::requested_model(outline, otherwise);
  if (!asked) return fail(asked.error());
  asked_ = std::move(*asked);
  if (!route_.model.empty()) asked_.defaulted = false;  // the path has named it
  // A name that is mapped with its mark is meant so; else the mark says nothing.
  if (config::find_mapping(exchange_.config.model_mapping, asked_.name) == nullptr)
    strip_suffix(asked_.name);
  model_ = ModelResolver(exchange_.worker.shared)
               .resolve(exchange_.config, asked_.name, exchange_.receipt);
  strip_suffix(model_);
  exchange_.receipt.model_sent = model_;
  if (archive_) references_ = dialect::references_of(outline.root());
  return {};
}

// The context is long by itself where it can be; whoever asked for it by a mark is told that this
// was not carried on.
void Translation::strip_suffix(std::string& name) {
  const auto rest = anthropic::strip_context_suffix(name).size();
  if (rest == name.size()) return;
  name.resize(rest);
  asked_.marked = true;
}

Task<Result<void>> Translation::decode() {
  const auto decoding = [this](Parsers with) { return decode(with.outline); };
  co_return co_await work_apart(exchange_.worker, exchange_.upstream, size_, decoding);
}

Result<void> Translation::decode(json::Outline& outline) {
  Shared& shared = exchange_.worker.shared;
  if (auto read = outline.read(body_.text()); !read) return read;
  const anthropic::Capabilities can = shared.facts.of(model_);
  scope_.family = shared.models.family_of(model_) ? std::string(can.family) : model_;
  const ClientTurns turns(shared.thinking, scope_);
  const std::vector<std::string> refused_schemas =
      shared.facts.refused_schemas(schema_owner(), model_);
  const TranslationOptions& options = exchange_.config.translation;
  const std::string client = lowered(exchange_.head.get("user-agent"));
  const dialect::RequestContext context{
      .asked = asked_,
      .model = model_,
      .can = can,
      .options = options,
      .strict = options.strict || same_text(exchange_.head.get("x-ccproxy-strict"), "true"),
      .is_unknown = !shared.facts.knows(model_),
      .is_cursor = client.find("cursor") != std::string::npos,
      .is_codex = client.starts_with("codex"),
      .most_tokens = most_tokens_,
      .refused_schemas = refused_schemas,
      .left_out = left_out_,
      .account = scope_.credential,
      .memory = shared.thinking.holds(scope_) ? &turns : nullptr,
      .history = &history_,
      .keeps = archive_ != nullptr,
      .key = key_,
      .compacts = route_.kind == RouteKind::kCompaction,
      .counts = route_.kind == RouteKind::kInputTokens};
  auto decoded = decode_body(outline, context);
  if (!decoded) return fail(decoded.error());
  is_another_ = decoded->body != to_send_ || decoded->betas != decoded_.betas;
  decoded_ = std::move(*decoded);
  note_input(outline.root());
  hold_.shrink(to_send_.size());  // when a lesson makes another one of it
  to_send_.clear();
  if (!hold_.grow(decoded_.body.size())) return too_much_memory_held();
  to_send_ = std::move(decoded_.body);
  note_plan();
  return {};
}

// Clients of one route send the other's requests, too: what stands in it decides.
Result<dialect::Decoded> Translation::decode_body(const json::Outline& outline,
                                                  const dialect::RequestContext& context) {
  const json::Value request = outline.root();
  if (is_responses(route_.kind)) return dialect::decode_responses(outline, context);
  if (route_.kind == RouteKind::kCompletion) return dialect::decode_completion(outline, context);
  const bool has_input = !request["input"].is_absent() && request["messages"].is_absent();
  return has_input ? dialect::decode_responses(outline, context)
                   : dialect::decode_chat(outline, context);
}

void Translation::note_plan() {
  exchange_.receipt.ignored = dialect::header_list(decoded_.plan.ignored);
  for (const std::string& warning : decoded_.plan.warnings) exchange_.receipt.warn(warning, {});
}

// Until there is an answer or an error that another attempt would not mend.
Task<Result<http::ResponseHead>> Translation::ask() {
  while (true) {
    auto head = co_await ask_once();
    if (head && head->status == status::kOk) co_return head;
    error_body_.clear();
    if (head) error_body_ = co_await read_error_body(*head);
    if (head && (head->status == status::kBadRequest || head->status == status::kNotFound)) {
      Result<bool> changed;
      if (head->status == status::kBadRequest)
        changed = co_await apply();
      else
        changed = co_await follow_retirement();
      if (!changed) co_return fail(changed.error());
      if (*changed) continue;
    }
    const auto wait = retry_wait(head);
    if (!wait) co_return head;
    ++exchange_.receipt.retries;
    auto waited = co_await exchange_.upstream.pause(*wait);
    if (!waited) co_return fail(waited.error());
  }
}

Task<std::string> Translation::read_error_body(const http::ResponseHead& head) {
  ErrorBody came = co_await exchange_.upstream.read_error_body();
  if (came.broke) co_return exchange_.upstream.broken_error_body(head, came);
  co_return std::move(came.text);
}

Task<Result<http::ResponseHead>> Translation::ask_once() {
  const OutgoingHead outgoing(exchange_.head, decoded_.betas);
  const bool counts = route_.kind == RouteKind::kInputTokens;
  const UpstreamTarget asked{
      outgoing.head,
      exchange_.upstream.prefix() + (counts ? "/v1/messages/count_tokens" : "/v1/messages"), false};
  auto head = co_await exchange_.upstream.send(asked, to_send_);
  co_return head;
}

// True when the error taught something that makes the request another one. Once: a request that is
// still refused then is refused. Fails when a strict client is to be told what cannot be.
Task<Result<bool>> Translation::apply() {
  if (!std::exchange(is_teachable_, false) || has_begun_) co_return false;
  if (anthropic::refusal_of(status::kBadRequest, error_body_).is_final) co_return false;
  const std::string message = anthropic::read_error(error_body_).message;
  if (const auto room = anthropic::room_for_output(message)) {
    most_tokens_ = room;
  } else if (left_out_ = anthropic::extra_tool_members(message); !left_out_.empty()) {
    // Another request may name the beta that takes them: nothing is learned of the model.
  } else if (anthropic::is_schema_refusal(message)) {
    if (decoded_.schemas.empty()) co_return false;
    exchange_.worker.shared.facts.refuse_schemas(schema_owner(), model_, decoded_.schemas);
  } else if (const auto lesson = anthropic::correction_from_error(message)) {
    exchange_.worker.shared.facts.apply(model_, *lesson, decoded_.effort);
  } else {
    co_return false;
  }
  const auto decoded = co_await decode();
  if (!decoded) co_return fail(decoded.error());
  co_return is_another_;
}

// True when the model turned out to have retired and the request is now one for its successor.
Task<Result<bool>> Translation::follow_retirement() {
  if (has_begun_ || has_followed_) co_return false;
  std::string next =
      ModelResolver(exchange_.worker.shared)
          .successor_of_missing(exchange_.config, error_body_, wall_now(), exchange_.receipt);
  if (next.empty()) co_return false;
  has_followed_ = true;
  model_ = std::move(next);
  auto decoded = co_await decode();
  if (!decoded) co_return fail(decoded.error());
  co_return true;
}

std::optional<Clock::duration> Translation::retry_wait(
    const Result<http::ResponseHead>& answer) const {
  const RetryLimits limits{exchange_.config.upstream.max_retries,
                           exchange_.config.upstream.max_retry_wait};
  const auto done = static_cast<unsigned>(exchange_.receipt.retries);
  if (answer)
    return anthropic::refusal_of(answer->status, error_body_).is_final
               ? std::nullopt
               : wait_before_retry(*answer, done, limits, random_part());
  const ErrorKind kind = answer.error().kind;
  const bool was_unreachable =
      !exchange_.upstream.was_sent() &&
      (kind == ErrorKind::kUpstreamUnreachable || kind == ErrorKind::kTimedOut);
  return was_unreachable ? wait_before_retry(done, limits, random_part()) : std::nullopt;
}

// What of the request the answer repeats, or is kept with it.
std::size_t Translation::recorded_size() const { return is_responses(route_.kind) ? size_ : 0; }

void Translation::make_encoder() {
  const dialect::ReplyPlan& plan = decoded_.plan;
  identity_.created = now_in_seconds();
  if (is_responses(route_.kind)) return make_response_encoder();
  identity_.id =
      fmt::format("{}{}", plan.text_completion ? "cmpl-" : "chatcmpl-", exchange_.receipt.id);
  encoder_ = dialect::make_chat_encoder(plan, identity_);
}

// Of a stream in chat nothing stays but the turn that is remembered; Responses tell all of it once
// more at the end, and what is kept is put together beside that.
void Translation::note_cost(TranslatedReply::ReplyOptions& reply_options) const {
  constexpr std::size_t kBlocks = 2, kWhole = 2, kResponse = 4, kKept = 4;
  if (is_responses(route_.kind))
    reply_options.cost = kResponse;
  else if (!decoded_.plan.stream)
    reply_options.cost = kWhole;
  if (reply_options.wants_transcript) reply_options.kept_cost += kBlocks;
  if (running_) reply_options.kept_cost += kKept;
}

TranslatedReply::ReplyOptions Translation::reply_options() const {
  TranslatedReply::ReplyOptions reply_options{
      .dialect = route_.dialect,
      .streams = decoded_.plan.stream,
      .wants_transcript = decoded_.has_tools || decoded_.may_pause || running_ != nullptr,
      .always_replies = running_ && running_->is_background(),
      .recorder = recorder_.get()};
  note_cost(reply_options);
  return reply_options;
}

Task<Result<void>> Translation::tell(http::ResponseHead head) {
  const auto making = [this] { make_encoder(); };
  co_await go_on_apart(exchange_.worker, recorded_size(), making);
  TranslatedReply::ReplyOptions how = reply_options();
  how.fields = reply_headers(exchange_, head);
  TranslatedReply answer(exchange_, *encoder_, std::move(how));
  co_return co_await tell(answer, std::move(head));
}

Task<Result<void>> Translation::tell(TranslatedReply& answer, http::ResponseHead head) {
  has_begun_ = true;
  if (!decoded_.may_pause) forget_request();
  Result<void> taken;
  if (head.status == status::kOk) taken = co_await take_all(answer, head);
  if (!taken) {
    const Error error = exchange_.upstream.explain(taken.error());
    exchange_.upstream.response().abort();
    co_return co_await answer.break_off(error);
  }
  if (head.status != status::kOk) {
    auto reply =
        dialect::openai_error(route_.dialect, {head.status, error_body_, field_views(head)},
                              exchange_.receipt.id, wall_now());
    co_return co_await answer.break_off(std::move(reply), error_body_);
  }
  // Before the client can come back with the results.
  const auto remembering = [this, &answer] { remember(answer.transcript()); };
  co_await go_on_apart(exchange_.worker, answer.transcript().blocks().size(), remembering);
  auto told = co_await answer.finish();
  co_await exchange_.upstream.drain_response();
  co_return told;
}

// The messages of one answer. `head` is that of the last one, or of the error that stood in its
// place. A turn that paused goes up behind the request, in place of the one before it: what was
// held for the answer counts it.
Task<Result<void>> Translation::take_all(TranslatedReply& answer, http::ResponseHead& head) {
  const std::size_t size = to_send_.size();  // of the request alone
  for (int pauses = 0;; ++pauses) {
    auto taken = co_await answer.take(head);
    if (!taken) co_return taken;
    const bool may_go_on = decoded_.may_pause && answer.paused() && pauses < kMaxPauses;
    if (!may_go_on || answer.transcript().empty()) co_return Result<void>{};
    co_await exchange_.upstream.drain_response();
    const auto continuing = [this, size, &answer] {
      dialect::append_turn(to_send_, size, answer.transcript().blocks());
    };
    co_await go_on_apart(exchange_.worker, to_send_.size(), continuing);
    auto next = co_await answer.meanwhile(ask());
    if (!next) co_return fail(next.error());
    head = std::move(*next);
    if (head.status != status::kOk) co_return Result<void>{};
  }
}

Task<Result<void>> Translation::refuse(const http::ResponseHead& head) {
  const anthropic::Refusal refusal = anthropic::refusal_of(head.status, error_body_);
  if (!refusal.token.empty()) exchange_.receipt.warn(refusal.token, refusal.meaning);
  const auto views = field_views(head);
  dialect::ErrorReply reply = dialect::openai_error(
      route_.dialect, {head.status, error_body_, views}, exchange_.receipt.id, wall_now());
  co_return co_await refuse(std::move(reply));
}

Task<Result<void>> Translation::refuse(dialect::ErrorReply reply) {
  std::string fields;
  http::append_field(fields, "content-type", "application/json");
  fields += error_headers(exchange_, reply);
  exchange_.receipt.status = reply.status;
  co_return co_await exchange_.sink.answer(reply.status, fields, reply.body);
}

void Translation::remember(const anthropic::Transcript& transcript) {
  if (transcript.empty() || !decoded_.has_tools) return;
  auto turn = anthropic::called_turn(std::string(transcript.blocks()), decoded_.question);
  if (turn) exchange_.worker.shared.thinking.remember(scope_, std::move(*turn), Clock::now());
}

// A long answer does not hold its question.
void Translation::forget_request() {
  struct Request {
    RequestBody body;
    dialect::History history;
    std::string to_send;
  } request{std::exchange(body_, {}), std::exchange(history_, {}), std::exchange(to_send_, {})};
  free_apart(exchange_.worker.shared, size_, request);
  const std::size_t due = repeated_size() - std::min(repeated_size(), repeated_.size());
  repeated_.take_from(hold_, std::min(due, hold_.size()));
  hold_.release();
}

void Translation::free_all() {
  forget_request();
  encoder_.reset();  // it refers to the plan
  free_apart(exchange_.worker.shared, size_, decoded_);
  free_apart(exchange_.worker.shared, size_, references_);
}

}  // namespace ccproxy::proxy
