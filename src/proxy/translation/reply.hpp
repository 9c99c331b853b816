// A response of the upstream on its way to a client of another dialect: its events go into an
// encoder, and what the encoder emits goes to the client, at the client's pace. Nothing is sent
// before it is clear that there will be a reply (the commit point, rule 0.7), and silence is filled
// with comments (rule 0.5). It refuses to know what the events mean.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

// Stores a reply when it ends, before the client sees its end.
class ReplyRecorder {
 public:
  ReplyRecorder() = default;
  ReplyRecorder(const ReplyRecorder&) = delete;
  ReplyRecorder& operator=(const ReplyRecorder&) = delete;
  virtual ~ReplyRecorder() = default;

  // The encoder has ended the reply, in whichever way, and has written the end into `out`. Returns
  // false when the reply could not be stored; `out` then says so. `hold` has counted what the
  // recorder copies.
  [[nodiscard]] virtual Task<bool> record(const anthropic::Transcript& transcript, std::string& out,
                                          MemoryReservation& hold) = 0;
  // The client has left: the reply is stored as cancelled.
  [[nodiscard]] virtual Task<void> record_cancelled(const anthropic::Transcript& transcript,
                                                    MemoryReservation& hold) = 0;
  // The client gets an error instead of this reply: nothing of it stays stored.
  virtual void withdraw() = 0;
  // Does `work`, which lets the encoder emit about `size` bytes: on a thread of the pool when that
  // is large.
  [[nodiscard]] virtual Task<void> encode(std::size_t size, FunctionRef<void()> work) = 0;
};

class TranslatedReply {
 public:
  struct ReplyOptions {
    dialect::Dialect dialect = dialect::Dialect::kChat;
    bool streams = false;           // sends events as they come; else the whole reply at its end
    bool wants_transcript = false;  // the caller needs transcript()
    bool always_replies = false;    // an error ends the reply instead of replacing it
    // Bytes of memory that each byte of content takes at the end of the reply, and the further
    // bytes that remembering or storing it takes, for the first `kMaxRecorded` bytes of content.
    std::size_t cost = 0, recorded_cost = 0;
    static constexpr std::size_t kMaxRecorded = std::size_t{16} << 20;
    std::string fields{};  // lines for the reply's head, all but the content type
    ReplyRecorder* recorder = nullptr;
  };

  // `exchange`, `encoder` and the recorder must outlive it.
  TranslatedReply(const ExchangeContext& exchange, dialect::ReplyEncoder& encoder,
                  ReplyOptions reply_options)
      : exchange_(exchange),
        encoder_(encoder),
        reply_options_(std::move(reply_options)),
        hold_(exchange.worker.shared.held),
        always_replies_(reply_options_.always_replies) {}

  // Takes one message, from `head`, which has just been read, to its last event. Fails as
  // http::Call does, with kUpstreamBroke when the message is not complete, when the client cannot
  // be written to, and with kBusy when too much memory is held: a whole reply at once, a stream
  // after a wait.
  [[nodiscard]] Task<Result<void>> take(const http::ResponseHead& head);

  // True when the last message paused: the next one continues the same reply.
  [[nodiscard]] bool paused() const { return !failure_ && !is_over_ && encoder_.paused(); }
  // The content blocks so far; empty when they are not wanted, or are too many to keep.
  [[nodiscard]] const anthropic::Transcript& transcript() const { return transcript_; }

  // Awaits `work`, and sends the client meanwhile what the clock asks for.
  template <class T>
  [[nodiscard]] Task<Result<T>> meanwhile(Task<Result<T>> work);

  // All messages have been taken: sends the end.
  [[nodiscard]] Task<Result<void>> finish();
  // No more can be taken: ends a reply that has begun with the error, else fails with it.
  [[nodiscard]] Task<Result<void>> break_off(Error error);
  // The same with an error of the upstream's. `event` is its body, which ends a reply that has
  // begun; else `error` is sent as the reply.
  [[nodiscard]] Task<Result<void>> break_off(dialect::ErrorReply error, std::string_view event);

 private:
  [[nodiscard]] Task<Result<void>> take_no_stream(http::Coding coding);
  [[nodiscard]] Task<Result<std::string_view>> next_piece();
  [[nodiscard]] Result<std::string_view> decoded(std::string_view piece);
  [[nodiscard]] Result<bool> take_piece(std::string_view piece, anthropic::EventReader& reader);
  [[nodiscard]] Task<Result<bool>> take_piece_apart(std::string piece);
  [[nodiscard]] bool take_event(const anthropic::MessageEvent& event);
  [[nodiscard]] std::size_t next_size() const;
  [[nodiscard]] Task<void> encode(std::size_t size, FunctionRef<void()> work);
  [[nodiscard]] Task<void> encode_end(FunctionRef<void()> work);
  void note_failure(const anthropic::Failure& failure);
  void commit();
  [[nodiscard]] Task<Result<void>> write();
  [[nodiscard]] Task<Result<void>> send_keepalive_if_due();
  [[nodiscard]] Task<Result<void>> make_room();
  [[nodiscard]] bool hold_up_to(std::size_t size);
  [[nodiscard]] Task<Result<void>> end();
  [[nodiscard]] Clock::duration until_due() const;
  [[nodiscard]] Task<Result<void>> refuse(dialect::ErrorReply error);
  void note_usage();
  void note_ignored();
  [[nodiscard]] Task<void> record();
  void withdraw();

  const ExchangeContext& exchange_;
  dialect::ReplyEncoder& encoder_;
  ReplyOptions reply_options_;
  const http::ResponseHead* head_ = nullptr;  // of the message that is being taken
  std::optional<http::Decoder> decoder_;      // of a coded response, which was not requested
  std::string plain_;
  std::optional<http::SseReader> events_;
  anthropic::SurrogateFilter whole_;  // between the events and their two readers
  anthropic::Transcript transcript_;
  std::string out_;  // for the client
  std::size_t received_ = 0;
  std::size_t content_ = 0;                     // bytes of what the model wrote
  MemoryReservation hold_;                      // counts what becomes of the content
  bool always_replies_;                         // an error cannot replace the reply any more
  bool is_committed_ = false;                   // its head is on its way
  bool is_over_ = false;                        // it ended with an error event of the upstream's
  std::optional<dialect::ErrorReply> failure_;  // came early enough to be the whole reply
  std::optional<Clock::time_point> started_;    // message_start
  Clock::time_point last_sent_ = Clock::now();
  Clock::time_point last_content_ = Clock::now();
};

template <class T>
Task<Result<T>> TranslatedReply::meanwhile(Task<Result<T>> work) {
  if (!reply_options_.streams) co_return co_await std::move(work);
  net::Pending<Result<T>> pending(exchange_.worker.runtime, std::move(work));
  Result<void> sent;
  while (true) {
    const bool is_done = co_await pending.done_within(until_due());
    if (is_done) break;
    if (!sent) continue;
    sent = co_await send_keepalive_if_due();
    if (!sent) exchange_.upstream.cancel(ErrorKind::kClientGone);
  }
  if (!sent) co_return fail(sent.error());
  co_return pending.take();
}

}  // namespace ccproxy::proxy
