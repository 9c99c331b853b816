// One request in one of OpenAI's dialects, from its body to the end of its reply. This file is the
// order of the steps. It refuses to know what a field and an event mean (dialect, anthropic).
//
//   body -> choose the model -> load the history -> decode -> send (translation/upstream_attempts)
//        -> reply (translation/reply), and send again while a turn of the provider's own tools
//           pauses -> remember the thinking
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "dialect/request/context.hpp"
#include "http/head.hpp"
#include "json/outline.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/door/routes.hpp"
#include "proxy/state/thinking_memory.hpp"
#include "proxy/translation/background.hpp"
#include "proxy/translation/context.hpp"
#include "proxy/translation/reply.hpp"
#include "proxy/translation/responses_session.hpp"
#include "proxy/translation/upstream_attempts.hpp"

namespace ccproxy::proxy {

class Translation {
 public:
  // All must outlive it. `hold` counts the body that run() is given, and from then on what is
  // decoded from it and what is fetched for it.
  Translation(const ExchangeContext& exchange, const Route& route, MemoryReservation& hold);
  Translation(const Translation&) = delete;
  Translation& operator=(const Translation&) = delete;
  Translation(Translation&&) = delete;
  Translation& operator=(Translation&&) = delete;
  ~Translation();

  // Serves the request to the end of its reply. Fails, while nothing of the reply has been sent,
  // with the error that the client should get. Call it or run_in_background(), once.
  [[nodiscard]] Task<Result<void>> run(RequestBody body);

  // The same for a response without a client: `on_queued` is called when it is on disk, and
  // whatever happens after that is stored in it. Fails before that.
  using OnQueued = std::function<void(QueuedResponse)>;
  [[nodiscard]] Task<Result<void>> run_in_background(RequestBody body, OnQueued on_queued);

 private:
  void take_body(RequestBody body);
  [[nodiscard]] Task<Result<void>> prepare();
  [[nodiscard]] Result<void> choose_model(json::Outline& outline);
  void strip_suffix(std::string& name);
  [[nodiscard]] Task<void> look_up_model();

  [[nodiscard]] Task<Result<void>> decode();
  [[nodiscard]] Task<Result<bool>> decode_again();
  [[nodiscard]] Result<void> decode(json::Outline& outline);
  [[nodiscard]] Result<dialect::Decoded> decode_body(const json::Outline& outline,
                                                     const dialect::RequestContext& context) const;
  [[nodiscard]] bool hold_repeated();

  void make_encoder();
  [[nodiscard]] Task<Result<QueuedResponse>> queue();
  [[nodiscard]] TranslatedReply::ReplyOptions reply_options() const;
  [[nodiscard]] Task<Result<void>> send_reply(http::ResponseHead head);
  [[nodiscard]] Task<Result<void>> send_reply(TranslatedReply& reply, http::ResponseHead head);
  [[nodiscard]] Task<Result<void>> take_all(TranslatedReply& reply, http::ResponseHead& head);
  [[nodiscard]] Task<Result<void>> refuse(const http::ResponseHead& head);
  [[nodiscard]] dialect::ErrorReply upstream_error(const http::ResponseHead& head) const;
  void remember(const anthropic::Transcript& transcript);

  [[nodiscard]] std::size_t recorded_size() const;
  void free_request();
  void free_all();

  const ExchangeContext& exchange_;
  const Route& route_;
  MemoryReservation& hold_;
  RequestBody body_;
  std::size_t size_ = 0;  // bytes of the body, and of what was fetched for it
  dialect::RequestedModel requested_model_;
  ThinkingScope scope_;
  TranslatedRequest request_;
  bool has_changed_ = false;  // the last decode() has made request_ another one
  UpstreamAttempts attempts_;
  MemoryReservation repeated_;  // counts what the reply repeats of the request
  ResponsesSession session_;
  std::unique_ptr<dialect::ReplyEncoder> encoder_;  // refers to the plan in request_
};

}  // namespace ccproxy::proxy
