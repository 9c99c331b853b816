// What a request of the Responses API needs beside its translation: the stored responses and items
// that it refers to, the items of its input as they are stored, and the response that runs and is
// recorded. It refuses to know how a request is sent and how a reply reaches the client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "dialect/history.hpp"
#include "dialect/reply_plan.hpp"
#include "dialect/responses/encoder.hpp"
#include "json/outline.hpp"
#include "proxy/door/routes.hpp"
#include "proxy/state/running_response.hpp"
#include "proxy/translation/context.hpp"
#include "proxy/translation/recorder.hpp"
#include "store/archive.hpp"

namespace ccproxy::proxy {

// On the routes of other dialects it is empty: there is no history, and nothing is stored.
class ResponsesSession {
 public:
  // `exchange` must outlive it.
  ResponsesSession(const ExchangeContext& exchange, RouteKind route);
  ResponsesSession(const ResponsesSession&) = delete;
  ResponsesSession& operator=(const ResponsesSession&) = delete;
  ResponsesSession(ResponsesSession&&) = delete;
  ResponsesSession& operator=(ResponsesSession&&) = delete;
  ~ResponsesSession() { close(); }

  // --- Before the request is decoded.

  // Notes what `request`, a whole body, refers to.
  void note_references(json::Value request);
  // Fetches that into history(), and returns how many bytes it has; `hold` counts them. What is not
  // stored is left out: the decoder names it. Fails as proxy::load_history() does.
  [[nodiscard]] Task<Result<std::size_t>> load_history(MemoryReservation& hold);

  [[nodiscard]] const dialect::History& history() const { return history_; }
  // The history for its last owner, who frees it.
  [[nodiscard]] dialect::History take_history() { return std::exchange(history_, {}); }
  [[nodiscard]] dialect::References take_references() { return std::exchange(references_, {}); }
  [[nodiscard]] bool can_store() const { return archive_ != nullptr; }
  // The random part of every id that is made for this request.
  [[nodiscard]] const std::string& key() const { return key_; }

  // --- Once it is decoded. `plan` must outlive the encoder.

  // Notes the input of `request` as it will be listed, when the plan wants the response stored. The
  // first call counts: a request that is decoded again has the same input.
  void note_input(json::Value request, const dialect::ResponsesPlan& plan);
  // Bytes of what the reply repeats of the request, as often as they exist at the same time: in the
  // plan, where the reply is encoded, in what the client has not taken, in what is not written yet.
  [[nodiscard]] std::size_t repeated_size(const dialect::ReplyPlan& plan) const;
  // Makes the encoder of the reply and, when the plan wants the response stored, the running
  // response, which from then on is found by its id. Call once.
  [[nodiscard]] std::unique_ptr<dialect::ReplyEncoder> make_encoder(const dialect::ReplyPlan& plan,
                                                                    std::int64_t created);

  // --- Once there is an encoder. It must live for as long as these are used.

  // nullptr when the response is not stored.
  [[nodiscard]] const std::shared_ptr<RunningResponse>& running() const { return running_; }
  [[nodiscard]] ReplyRecorder* recorder() const { return recorder_.get(); }

  // Of a response in the background. Emits `response.queued` and returns the response object.
  [[nodiscard]] std::string emit_queued();
  // Waits until that object is on disk. Fails with kTooLarge when it cannot be stored, and with
  // kBusy when it cannot be stored at the moment.
  [[nodiscard]] Task<Result<void>> store_queued(std::string object);
  // The upstream has accepted the request, which has `size` bytes: the response is in progress.
  [[nodiscard]] Task<void> start(std::size_t size);

  // Nothing more comes of the response. Safe to call again.
  void close() noexcept;

 private:
  [[nodiscard]] bool is_stored(const dialect::ResponsesPlan& plan) const;

  const ExchangeContext& exchange_;
  RouteKind route_;
  std::shared_ptr<store::Archive> archive_;  // nullptr while nothing is stored
  std::string key_;
  dialect::References references_;
  dialect::History history_;
  store::StoredInput input_;  // empty unless the response is stored
  std::shared_ptr<RunningResponse> running_;
  dialect::ResponsesEncoder* encoder_ = nullptr;
  std::unique_ptr<ResponseRecorder> recorder_;
};

}  // namespace ccproxy::proxy
