// One request in a dialect of OpenAI's, from its body to its answer: translated, sent until the
// upstream takes it, and the answer told. It refuses to know what a field means (dialect) and what
// an event means (dialect, anthropic).
//
//   body -> model -> decode -> send (again: once for a lesson, a few times for a busy upstream)
//        -> answer (again: while a turn of the provider's own tools pauses) -> remember its
//        thinking
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "dialect/history.hpp"
#include "dialect/request/context.hpp"
#include "http/head.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/door/routes.hpp"
#include "proxy/state/model_facts.hpp"
#include "proxy/state/running_response.hpp"
#include "proxy/state/thinking_memory.hpp"
#include "proxy/translation/background.hpp"
#include "proxy/translation/context.hpp"
#include "proxy/translation/recorder.hpp"
#include "proxy/translation/reply.hpp"

namespace ccproxy::proxy {

class Translation {
 public:
  // All must outlive it. `hold` counts the body that run() is given, and from the
  // moment it is there what is made of it and what is fetched for it.
  Translation(const ExchangeContext& exchange, const Route& route, MemoryReservation& hold);
  Translation(const Translation&) = delete;
  Translation& operator=(const Translation&) = delete;
  Translation(Translation&&) = delete;
  Translation& operator=(Translation&&) = delete;
  ~Translation();

  // Serves it to its end. Fails while nothing of the reply has been sent, with what the client is
  // to be told.
  [[nodiscard]] Task<Result<void>> run(RequestBody body);

  // The same for a response that nobody waits for: `on_queued` is called when it is on disk, and
  // whatever happens after that is kept in it.
  using OnQueued = std::function<void(Queued)>;
  [[nodiscard]] Task<Result<void>> run_in_background(RequestBody body, OnQueued on_queued);

 private:
  void take_body(RequestBody body);
  [[nodiscard]] Task<Result<void>> prepare();
  [[nodiscard]] Task<Result<void>> load_history();
  [[nodiscard]] Result<dialect::Decoded> decode_body(const json::Outline& outline,
                                                     const dialect::RequestContext& context);
  void note_input(json::Value request);
  [[nodiscard]] SchemaOwner schema_owner() const;
  [[nodiscard]] Task<void> look_up_model();
  [[nodiscard]] Result<void> choose_model(json::Outline& outline);
  void strip_suffix(std::string& name);
  [[nodiscard]] Task<Result<void>> decode();
  [[nodiscard]] Result<void> decode(json::Outline& outline);
  [[nodiscard]] std::size_t repeated_size() const;
  [[nodiscard]] bool hold_repeated();
  [[nodiscard]] static bool hold_for_answer(MemoryReservation& hold, std::size_t size);
  void note_plan();

  [[nodiscard]] Task<Result<http::ResponseHead>> ask();
  [[nodiscard]] Task<Result<http::ResponseHead>> ask_once();
  [[nodiscard]] Task<std::string> read_error_body(const http::ResponseHead& head);
  [[nodiscard]] Task<Result<bool>> apply();
  [[nodiscard]] Task<Result<bool>> follow_retirement();
  [[nodiscard]] std::optional<Clock::duration> retry_wait(
      const Result<http::ResponseHead>& answer) const;

  [[nodiscard]] std::size_t recorded_size() const;
  void make_encoder();
  void make_response_encoder();
  [[nodiscard]] Task<Result<Queued>> queue();
  void note_cost(TranslatedReply::ReplyOptions& reply_options) const;
  [[nodiscard]] TranslatedReply::ReplyOptions reply_options() const;
  [[nodiscard]] Task<Result<void>> tell(http::ResponseHead head);
  [[nodiscard]] Task<Result<void>> tell(TranslatedReply& answer, http::ResponseHead head);
  [[nodiscard]] Task<Result<void>> send_token_count(const http::ResponseHead& head);
  [[nodiscard]] Task<Result<void>> take_all(TranslatedReply& answer, http::ResponseHead& head);
  [[nodiscard]] Task<Result<void>> refuse(const http::ResponseHead& head);
  [[nodiscard]] Task<Result<void>> refuse(dialect::ErrorReply reply);
  void remember(const anthropic::Transcript& transcript);
  void forget_request();
  void free_all();

  const ExchangeContext& exchange_;
  const Route& route_;
  MemoryReservation& hold_;
  RequestBody body_;
  std::size_t size_ = 0;  // of the body, and of what was fetched for it
  dialect::RequestedModel asked_;
  std::string model_;  // the id to send
  ThinkingScope scope_;
  std::optional<std::int64_t> most_tokens_{};  // learned from a 400
  std::vector<std::string_view> left_out_{};   // members of tools, likewise
  dialect::Decoded decoded_;
  MemoryReservation repeated_;  // counts what the answer repeats of the request
  std::string to_send_;         // the decoded body, perhaps with a paused turn behind it
  std::string error_body_;      // of the last answer that was none
  bool is_another_ = false;     // than before: what was decoded last
  bool is_teachable_ = true;    // a lesson can still be learned
  bool has_followed_ = false;   // a retirement that only the upstream told of
  bool has_begun_ = false;      // an answer has begun
  dialect::ReplyIdentity identity_;
  std::unique_ptr<dialect::ReplyEncoder> encoder_;
  // Of Responses: what it refers to, and how it is kept.
  std::string key_;                          // of its ids
  std::shared_ptr<store::Archive> archive_;  // nullptr when nothing is kept
  dialect::References references_;
  dialect::History history_;
  store::StoredInput input_;                       // when it is kept
  std::shared_ptr<RunningResponse> running_;       // likewise
  dialect::ResponsesEncoder* response_ = nullptr;  // the encoder, when it is one
  std::unique_ptr<ResponseRecorder> recorder_;
};

}  // namespace ccproxy::proxy
