// An answer of the upstream's on its way to a client of another dialect: its events go into an
// encoder, what comes out goes to the client, waiting for a slow one. Nothing is sent before it is
// clear that there will be an answer (the commit point, rule 0.7), and silence is filled
// with comments (rule 0.5). It refuses to know what the events mean.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "anthropic/surrogate_filter.hpp"
#include "anthropic/transcript.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/function_ref.hpp"
#include "dialect/reply/openai_error.hpp"
#include "dialect/reply/reply_encoder.hpp"
#include "http/coding.hpp"
#include "http/head.hpp"
#include "http/sse.hpp"
#include "net/pending.hpp"
#include "proxy/state/memory_budget.hpp"
#include "proxy/translation/context.hpp"

namespace ccproxy::proxy {

// Is told how an answer ended, before the client is: for answers that are kept.
class ReplyRecorder {
 public:
  ReplyRecorder() = default;
  ReplyRecorder(const ReplyRecorder&) = delete;
  ReplyRecorder& operator=(const ReplyRecorder&) = delete;
  virtual ~ReplyRecorder() = default;

  // The encoder has come to the end, whichever it is, and has put it into `out`. False when it
  // could not be kept: then `out` says so. What `hold` has counted for the end goes along.
  [[nodiscard]] virtual Task<bool> keep(const anthropic::Transcript& transcript, std::string& out,
                                        MemoryReservation& hold) = 0;
  // Nobody waits for it any more: it is kept as cancelled.
  [[nodiscard]] virtual Task<void> abandon(const anthropic::Transcript& transcript,
                                           MemoryReservation& hold) = 0;
  // The client is told an error instead of an answer: it is withdrawn.
  virtual void drop() = 0;
  // Does `work`, which lets the encoder tell about `size` bytes: apart when that is large.
  [[nodiscard]] virtual Task<void> encode(std::size_t size, FunctionRef<void()> work) = 0;
};

class TranslatedReply {
 public:
  struct ReplyOptions {
    dialect::Dialect dialect = dialect::Dialect::kChat;
    bool streams = false;           // as events while it comes, or whole at the end
    bool wants_transcript = false;  // transcript() is wanted
    bool always_replies = false;    // there will be an answer, whatever happens
    // Bytes that are held at its end for each byte of its content, and more of them for what is
    // remembered or kept, which is so much at the most.
    std::size_t cost = 0, kept_cost = 0;
    static constexpr std::size_t kMaxKept = std::size_t{16} << 20;
    std::string fields{};  // of the reply's head, all but the content type
    ReplyRecorder* recorder = nullptr;
  };

  // Both must outlive it.
  TranslatedReply(const ExchangeContext& exchange, dialect::ReplyEncoder& encoder,
                  ReplyOptions reply_options)
      : exchange_(exchange),
        encoder_(encoder),
        reply_options_(std::move(reply_options)),
        hold_(exchange.worker.shared.held),
        always_replies_(reply_options_.always_replies) {}

  // Takes one message, from the head that has just come to its last event. Fails as Call does, with
  // kUpstreamBroke when the message is not complete, when the client cannot be written to, and with
  // kBusy when too much is held: a whole answer at once, a stream when waiting did not help.
  [[nodiscard]] Task<Result<void>> take(const http::ResponseHead& head);

  // The last message paused: another belongs to the same answer.
  [[nodiscard]] bool paused() const { return !failure_ && !is_over_ && encoder_.paused(); }
  // The blocks so far; empty when they were not wanted, or are too many to keep.
  [[nodiscard]] const anthropic::Transcript& transcript() const { return transcript_; }

  // Awaits `work`, and tells the client meanwhile what the clock asks for.
  template <class T>
  [[nodiscard]] Task<Result<T>> meanwhile(Task<Result<T>> work);

  // All messages have been taken: tells the end.
  [[nodiscard]] Task<Result<void>> finish();
  // No more can be had: tells that, in the answer if it has begun; else fails with it.
  [[nodiscard]] Task<Result<void>> break_off(Error error);
  // The same with an error of the upstream's.
  [[nodiscard]] Task<Result<void>> break_off(dialect::ErrorReply reply, std::string_view event);

 private:
  [[nodiscard]] Task<Result<void>> take_no_stream(http::Coding coding);
  [[nodiscard]] Task<Result<std::string_view>> next_piece();
  [[nodiscard]] Result<std::string_view> decoded(std::string_view piece);
  [[nodiscard]] Result<bool> see(std::string_view piece, anthropic::EventReader& reader);
  [[nodiscard]] Task<Result<bool>> see_apart(std::string piece);
  [[nodiscard]] std::size_t next_size() const;
  [[nodiscard]] Task<void> encode(std::size_t size, FunctionRef<void()> work);
  [[nodiscard]] Task<void> encode_end(FunctionRef<void()> work);
  [[nodiscard]] bool see(const anthropic::MessageEvent& event);
  void note_failure(const anthropic::Failure& failure);
  void commit();
  [[nodiscard]] Task<Result<void>> tell();
  [[nodiscard]] Task<Result<void>> send_keepalive_if_due();
  [[nodiscard]] Task<Result<void>> make_room();
  [[nodiscard]] bool hold_up_to(std::size_t due);
  [[nodiscard]] Task<Result<void>> end();
  [[nodiscard]] Clock::duration until_due() const;
  [[nodiscard]] Task<Result<void>> refuse(dialect::ErrorReply reply);
  void note_usage();
  void note_ignored();
  [[nodiscard]] Task<void> keep();
  void drop();

  const ExchangeContext& exchange_;
  dialect::ReplyEncoder& encoder_;
  ReplyOptions reply_options_;
  const http::ResponseHead* head_ = nullptr;  // of the message that is being taken
  std::optional<http::Decoder> decoder_;      // for an answer that is coded though nobody asked
  std::string plain_;
  std::optional<http::SseReader> events_;
  anthropic::WholeText whole_;  // what both of these are told
  anthropic::Transcript transcript_;
  std::string out_;  // for the client
  std::size_t received_ = 0;
  std::size_t content_ = 0;                     // bytes of what the model wrote
  MemoryReservation hold_;                      // counts what becomes of them
  bool always_replies_;                         // there will be an answer
  bool is_committed_ = false;                   // its head is on its way
  bool is_over_ = false;                        // it ended in an error event, which was told
  std::optional<dialect::ErrorReply> failure_;  // one that came early enough to be the whole reply
  std::optional<Clock::time_point> started_;    // message_start
  Clock::time_point last_sent_ = Clock::now();
  Clock::time_point last_content_ = Clock::now();
};

template <class T>
Task<Result<T>> TranslatedReply::meanwhile(Task<Result<T>> work) {
  if (!reply_options_.streams) co_return co_await std::move(work);
  net::Pending<Result<T>> pending(exchange_.worker.runtime, std::move(work));
  Result<void> told;
  while (true) {
    const bool is_done = co_await pending.done_within(until_due());
    if (is_done) break;
    if (!told) continue;
    told = co_await send_keepalive_if_due();
    if (!told) exchange_.upstream.cancel(ErrorKind::kClientGone);
  }
  if (!told) co_return fail(told.error());
  co_return pending.take();
}

}  // namespace ccproxy::proxy
