#include "proxy/translation/responses_session.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/timestamp.hpp"
#include "dialect/responses/input_items.hpp"
#include "net/crypto.hpp"
#include "proxy/state/response_store.hpp"
#include "proxy/translation/history_loader.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kKeyBytes = 16;
constexpr std::chrono::seconds kRetryAfter{1};

// A response in the background that is not on disk could never be read by anybody.
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

ResponsesSession::ResponsesSession(const ExchangeContext& exchange, RouteKind route)
    : exchange_(exchange), route_(route) {
  if (!is_responses(route_)) return;
  archive_ = exchange_.worker.shared.responses.archive();
  key_ = net::random_hex(kKeyBytes);
}

void ResponsesSession::note_references(json::Value request) {
  if (archive_) references_ = dialect::references_of(request);
}

Task<Result<std::size_t>> ResponsesSession::load_history(MemoryReservation& hold) {
  dialect::References references = take_references();
  if (references.previous.empty() && references.items.empty()) co_return std::size_t{0};
  const auto fetched = std::make_shared<MemoryReservation>(exchange_.worker.shared.held);
  auto history = co_await proxy::load_history(exchange_.worker.runtime, archive_,
                                              exchange_.receipt.key, std::move(references), fetched,
                                              exchange_.config.store.max_conversation_megabytes);
  if (!history) co_return fail(history.error());
  const std::size_t size = fetched->size();
  hold.take_over(*fetched);
  history_ = std::move(*history);
  co_return size;
}

bool ResponsesSession::is_stored(const dialect::ResponsesPlan& plan) const {
  return plan.stores && route_ == RouteKind::kResponses;
}

void ResponsesSession::note_input(json::Value request, const dialect::ResponsesPlan& plan) {
  if (!is_responses(route_) || !plan.stores || !input_.items.empty()) return;
  dialect::InputItems listed = dialect::input_items_of(request, key_);
  input_ = {std::move(listed.ids), std::move(listed.items)};
}

std::size_t ResponsesSession::repeated_size(const dialect::ReplyPlan& plan) const {
  constexpr std::size_t kPlan = 1, kEncoding = 1;
  constexpr std::size_t kStored = 3;  // at the beginning: the object and two events
  std::size_t times = kPlan;
  if (is_responses(route_) && route_ != RouteKind::kInputTokens) {
    // A stream begins with two events. One in the background has no client yet, and a third event.
    times += kEncoding + (plan.stream && !plan.responses.is_background ? 2 : 1);
    times += is_stored(plan.responses) ? kStored : 0;
  }
  return times * plan.responses.echoed_bytes();
}

std::unique_ptr<dialect::ReplyEncoder> ResponsesSession::make_encoder(
    const dialect::ReplyPlan& plan, std::int64_t created) {
  dialect::ReplyIdentity identity{"resp_" + key_, created};
  const dialect::ResponsesPlan& responses = plan.responses;
  if (is_stored(responses)) {
    Shared& shared = exchange_.worker.shared;
    running_ = std::make_shared<RunningResponse>(
        exchange_.worker.runtime, shared.responses, shared.held, archive_,
        store::StoredResponse{.id = identity.id,
                              .scope = exchange_.receipt.key,
                              .previous = responses.previous,
                              .family = responses.family,
                              .account = responses.account,
                              .is_background = responses.is_background,
                              .created = created},
        std::move(input_));
    shared.responses.add(running_);
  }
  auto encoder = std::make_unique<dialect::ResponsesEncoder>(plan, std::move(identity),
                                                             running_.get(), &now_in_seconds);
  encoder_ = encoder.get();
  if (running_) {
    running_->set_object(encoder_->object());
    recorder_ = std::make_unique<ResponseRecorder>(exchange_, *encoder_, *running_);
  }
  return encoder;
}

std::string ResponsesSession::emit_queued() {
  std::string events;  // the running response has a copy, and nobody reads them yet
  encoder_->queue(events);
  return encoder_->object();
}

Task<Result<void>> ResponsesSession::store_queued(std::string object) {
  auto begun = co_await running_->begin(store::Status::kQueued, std::move(object));
  if (!begun) co_return not_queued(begun.error());
  co_return Result<void>{};
}

Task<void> ResponsesSession::start(std::size_t size) {
  std::string object;
  const auto starting = [this, &object] {
    std::string events;
    encoder_->begin(events);
    object = encoder_->object();
  };
  co_await encode_recorded(exchange_.worker, *running_, size, starting);
  running_->update(store::Status::kInProgress, std::move(object));
}

void ResponsesSession::close() noexcept {
  if (running_) running_->close();
}

}  // namespace ccproxy::proxy
