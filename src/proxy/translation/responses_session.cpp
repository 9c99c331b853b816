// The half of Translation that is about responses: what they refer to, what they repeat of their
// request, how they are kept, and those that run in the background.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/status.hpp"
#include "dialect/reply/error_param.hpp"
#include "dialect/reply/openai_error.hpp"
#include "dialect/responses/input_items.hpp"
#include "json/reader.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/state/offload.hpp"
#include "proxy/state/response_store.hpp"
#include "proxy/translation/history_loader.hpp"
#include "proxy/translation/reply_headers.hpp"
#include "proxy/translation/translation.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::seconds kRetryAfter{1};

// Nobody could ever ask for it.
tl::unexpected<Error> not_queued(const Error& error) {
  if (error.kind == ErrorKind::kTooLarge)
    return fail(
        ErrorKind::kTooLarge,
        fmt::format("The response was not begun, since it cannot be kept: {}.", error.message));
  return fail(
      {ErrorKind::kBusy,
       fmt::format("The response was not begun, since it cannot be kept ({}): try again, or "
                   "ask without `background`.",
                   error.message),
       "", "", kRetryAfter});
}

}  // namespace

Task<Result<void>> Translation::run_in_background(RequestBody body, OnQueued on_queued) {
  take_body(std::move(body));
  auto prepared = co_await prepare();
  if (!prepared) co_return prepared;
  auto queued = co_await queue();
  if (!queued) co_return fail(queued.error());
  on_queued(std::move(*queued));
  TranslatedReply answer(exchange_, *encoder_, reply_options());
  auto head = co_await ask();
  if (!head) {
    const Error error = exchange_.upstream.explain(head.error());
    co_return co_await answer.break_off(error);
  }
  if (!decoded_.may_pause) forget_request();
  std::string running;
  const auto beginning = [this, &running] {
    std::string nobody;
    response_->begin(nobody);
    running = response_->object();
  };
  co_await encode_kept(exchange_.worker, *running_, recorded_size(), beginning);
  running_->update(store::Status::kInProgress, std::move(running));
  co_return co_await tell(answer, std::move(*head));
}

// Bytes of what the answer repeats of its request, as often as it stands there at the most: in the
// plan, where it is put together, in what the client has not taken, in what is not written yet.
std::size_t Translation::repeated_size() const {
  constexpr std::size_t kPlan = 1, kMaking = 1;
  constexpr std::size_t kKept = 3;  // the object and two events at the beginning; less at the end
  const dialect::ResponsesPlan& plan = decoded_.plan.responses;
  std::size_t times = kPlan;
  if (is_responses(route_.kind) && route_.kind != RouteKind::kInputTokens) {
    const bool is_stored = plan.stores && route_.kind == RouteKind::kResponses;
    // A stream begins with two events. One in the background has told nobody, and has a third.
    times += kMaking + (decoded_.plan.stream && !plan.is_background ? 2 : 1);
    times += is_stored ? kKept : 0;
  }
  return times * plan.weight();
}

// Before the upstream is asked, so that what there is no room for costs nothing; and for good: the
// end tells all of it once more, and could not wait for others who wait to end. What is held for
// the request is held for this as soon as that is forgotten.
bool Translation::hold_repeated() {
  const bool is_forgotten = !decoded_.may_pause && !decoded_.plan.responses.is_background;
  const std::size_t more = repeated_size() - decoded_.plan.responses.weight();
  const std::size_t later = is_forgotten ? std::min(more, hold_.size()) : 0;
  return hold_for_answer(repeated_, repeated_size() - later);
}

// Little is never refused: it takes no more than what its connection takes anyhow.
bool Translation::hold_for_answer(MemoryReservation& hold, std::size_t size) {
  constexpr std::size_t kLittle = std::size_t{64} << 10;
  if (size > kLittle) return hold.grow(size);
  hold.grow_anyway(size);
  return true;
}

// What whoever asked is told counts apart: it stays until they have taken it.
Task<Result<Queued>> Translation::queue() {
  Queued queued{
      .held = MemoryReservation(exchange_.worker.shared.held, MemoryReservation::For::kRequest)};
  const bool is_shown = !decoded_.plan.stream;
  const std::size_t size = is_shown ? decoded_.plan.responses.weight() : 0;
  if (!hold_for_answer(queued.held, size)) co_return too_much_memory_held();
  std::string object;
  const auto queueing = [this, is_shown, &queued, &object] {
    make_encoder();
    if (!running_) return;
    std::string nobody;
    response_->queue(nobody);
    object = response_->object();
    if (is_shown) queued.object = object;
  };
  co_await go_on_apart(exchange_.worker, recorded_size(), queueing);
  if (!running_) co_return fail(ErrorKind::kInternal, "a background response that is not kept");
  auto begun = co_await running_->begin(store::Status::kQueued, std::move(object));
  if (!begun) co_return not_queued(begun.error());
  queued.fields = base_reply_headers(exchange_);
  queued.running = running_;
  co_return std::move(queued);
}

Task<Result<void>> Translation::load_history() {
  dialect::References references = std::exchange(references_, {});
  if (references.previous.empty() && references.items.empty()) co_return Result<void>{};
  const auto hold = std::make_shared<MemoryReservation>(exchange_.worker.shared.held);
  auto history = co_await proxy::load_history(exchange_.worker.runtime, archive_,
                                              exchange_.receipt.key, std::move(references), hold,
                                              exchange_.config.store.max_conversation_megabytes);
  if (!history) co_return fail(history.error());
  size_ += hold->size();
  hold_.take_over(*hold);
  history_ = std::move(*history);
  co_return Result<void>{};
}

// What is listed as the input of a response that is kept.
void Translation::note_input(json::Value request) {
  if (!is_responses(route_.kind) || !decoded_.plan.responses.stores || !input_.items.empty())
    return;
  dialect::InputItems listed = dialect::input_items_of(request, key_);
  input_ = {std::move(listed.ids), std::move(listed.items)};
}

void Translation::make_response_encoder() {
  const dialect::ReplyPlan& plan = decoded_.plan;
  identity_.id = "resp_" + key_;
  const dialect::ResponsesPlan& responses = plan.responses;
  if (responses.stores && route_.kind == RouteKind::kResponses) {
    running_ = std::make_shared<RunningResponse>(
        exchange_.worker.runtime, exchange_.worker.shared.responses, exchange_.worker.shared.held,
        archive_,
        store::StoredResponse{.id = identity_.id,
                              .scope = exchange_.receipt.key,
                              .previous = responses.previous,
                              .family = responses.family,
                              .account = responses.account,
                              .is_background = responses.is_background,
                              .created = identity_.created},
        std::move(input_));
    exchange_.worker.shared.responses.add(running_);
  }
  auto encoder =
      std::make_unique<dialect::ResponsesEncoder>(plan, identity_, running_.get(), &now_in_seconds);
  response_ = encoder.get();
  encoder_ = std::move(encoder);
  if (!running_) return;
  running_->set_object(response_->object());
  recorder_ = std::make_unique<ResponseRecorder>(exchange_, *response_, *running_);
}

Task<Result<void>> Translation::send_token_count(const http::ResponseHead& head) {
  const ErrorBody came = co_await exchange_.upstream.read_error_body();
  if (came.broke) co_return fail(*came.broke);
  const std::string& counted = came.text;
  std::string tokens;
  json::Reader reader;
  (void)reader.members_of_copy(counted, [&](const json::Member& member) {
    if (member.key == "input_tokens" && json::count_of(member.value)) tokens = member.value;
  });
  if (tokens.empty()) {
    const auto event = anthropic::read_event(exchange_.worker.events, "error", counted);
    const auto* failure = event ? std::get_if<anthropic::Failure>(&*event) : nullptr;
    if (failure == nullptr || failure->message.empty())
      co_return fail_quoting(exchange_.receipt, ErrorKind::kUpstreamBroke,
                             "the upstream did not say how many tokens it are",
                             dialect::quoted_answer(counted));
    auto reply = dialect::openai_error(route_.dialect, *failure, field_views(head),
                                       exchange_.receipt.id, wall_now());
    co_return co_await refuse(std::move(reply));
  }
  std::string fields;
  http::append_field(fields, "content-type", "application/json");
  fields += error_headers(exchange_, {status::kOk, "", {}});
  exchange_.receipt.status = status::kOk;
  const std::string body =
      fmt::format(R"({{"object":"response.input_tokens","input_tokens":{}}})", tokens);
  co_return co_await exchange_.sink.answer(status::kOk, fields, body);
}

}  // namespace ccproxy::proxy
