// One request in a dialect of OpenAI's, from its body to its answer: translated, sent until the
// upstream takes it, and the answer told. It refuses to know what a field means (dialect) and what
// an event means (dialect, anthropic).
//
//   body -> model -> decode -> send (again: once for a lesson, a few times for a busy upstream)
//        -> answer (again: while a turn of the provider's own tools pauses) -> remember its
//        thinking
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "dialect/chat_request.hpp"
#include "http/head.hpp"
#include "proxy/exchange_parts.hpp"
#include "proxy/request_body.hpp"
#include "proxy/routes.hpp"
#include "proxy/thinking_memory.hpp"
#include "proxy/translated_answer.hpp"

namespace ccproxy::proxy {

class Translation {
 public:
  // Both must outlive it.
  Translation(const ExchangeParts& parts, const Route& route);

  // Serves it to its end. Fails while nothing of the reply has been sent, with what the client is
  // to be told.
  [[nodiscard]] Task<Result<void>> run();

 private:
  [[nodiscard]] Task<Result<void>> prepare();
  [[nodiscard]] Task<void> look_up_model();
  [[nodiscard]] Result<void> choose_model();
  [[nodiscard]] Result<void> decode();
  void note_plan();

  [[nodiscard]] Task<Result<http::ResponseHead>> ask();
  [[nodiscard]] Task<Result<http::ResponseHead>> ask_once();
  [[nodiscard]] Result<bool> learn();
  [[nodiscard]] std::optional<Clock::duration> retry_wait(
      const Result<http::ResponseHead>& answer) const;

  [[nodiscard]] Task<Result<void>> tell(http::ResponseHead head);
  [[nodiscard]] Task<Result<void>> take_all(TranslatedAnswer& answer, http::ResponseHead& head);
  [[nodiscard]] Task<Result<void>> refuse(const http::ResponseHead& head);
  void remember(const anthropic::Transcript& transcript);
  void forget_request();

  const ExchangeParts& parts_;
  const Route& route_;
  Hold hold_;
  RequestBody body_;
  dialect::AskedModel asked_;
  std::string model_;  // the id to send
  ThinkingScope scope_;
  std::optional<std::int64_t> most_tokens_{};  // learned from a 400
  dialect::Decoded decoded_;
  std::string to_send_;       // the decoded body, perhaps with a paused turn behind it
  std::string error_body_;    // of the last answer that was none
  bool is_teachable_ = true;  // a lesson can still be learned
  bool is_told_ = false;      // an answer has begun
};

}  // namespace ccproxy::proxy
