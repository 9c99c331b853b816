#include "proxy/translation/reply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "anthropic/error.hpp"
#include "anthropic/usage.hpp"
#include "base/status.hpp"
#include "base/text.hpp"
#include "base/timestamp.hpp"
#include "dialect/reply/error_param.hpp"
#include "dialect/request/report.hpp"
#include "json/text.hpp"
#include "proxy/door/request_body.hpp"
#include "proxy/state/ending.hpp"
#include "proxy/state/offload.hpp"
#include "proxy/translation/reply_headers.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::seconds kCommitDelay{2};  // after message_start, unless content comes first
constexpr std::chrono::hours kNothingDue{1};
constexpr std::size_t kMaxEvent = std::size_t{16} << 20;
constexpr std::size_t kMaxWhole = std::size_t{128} << 20;      // bytes of events, for a whole reply
constexpr std::size_t kMaxTranscript = std::size_t{32} << 20;  // bytes of events, to keep blocks of
constexpr std::size_t kMaxPiece = std::size_t{64} << 10;       // bytes of content in the next piece
constexpr std::size_t kSmall = std::size_t{128} << 10;         // a reservation of this is granted
// How long a stream waits for memory, and how often it tries. Clients that take nothing have been
// closed by then, and what they held is free.
constexpr std::chrono::seconds kMemoryTimeout{90};
constexpr std::chrono::milliseconds kPollInterval{50};

std::size_t content_of(const anthropic::MessageEvent& event) {
  using namespace anthropic;
  if (const auto* text = std::get_if<TextDelta>(&event)) return text->text.escaped.size();
  if (const auto* text = std::get_if<ThinkingDelta>(&event)) return text->text.escaped.size();
  if (const auto* one = std::get_if<SignatureDelta>(&event)) return one->signature.escaped.size();
  if (const auto* input = std::get_if<InputJsonDelta>(&event)) return input->partial.escaped.size();
  if (const auto* citation = std::get_if<CitationDelta>(&event)) return citation->raw.size();
  if (const auto* start = std::get_if<BlockStart>(&event)) return start->raw.size();
  return 0;
}

std::optional<std::int64_t> retry_after_of(const dialect::ErrorReply& error) {
  for (const auto& [name, value] : error.fields)
    if (same_text(name, "retry-after"))
      if (const auto seconds = parse_decimal(value); seconds && *seconds < (1U << 31U))
        return static_cast<std::int64_t>(*seconds);
  return std::nullopt;
}

Task<Result<std::string_view>> read_on(std::shared_ptr<http::Call> call) {
  auto piece = co_await call->read_body();
  co_return piece;
}

}  // namespace

Task<Result<void>> TranslatedReply::take(const http::ResponseHead& head) {
  const auto coding = http::coding_of(head.get("content-encoding"));
  if (!coding)
    co_return fail(ErrorKind::kUpstreamBroke, "the upstream's answer has an unknown coding");
  head_ = &head;
  if (!http::is_event_stream(head.get("content-type"))) co_return co_await take_no_stream(*coding);
  decoder_.reset();
  if (*coding != http::Coding::kIdentity) decoder_.emplace(*coding);
  events_.emplace(kMaxEvent);
  while (true) {
    auto piece = co_await next_piece();
    if (!piece) co_return fail(piece.error());
    if (piece->empty())
      co_return fail(ErrorKind::kUpstreamBroke,
                     "the upstream ended its answer before it was complete");
    Result<bool> is_complete;
    if (decoder_ || is_large(next_size()))
      is_complete = co_await take_piece_apart(std::string(*piece));
    else
      is_complete = take_piece(*piece, exchange_.worker.events);
    if (!is_complete) co_return fail(is_complete.error());
    if (*is_complete) co_return Result<void>{};
    auto written = co_await write();
    if (!written) co_return written;
    auto has_room = co_await make_room();
    if (!has_room) co_return has_room;
    if (Clock::now() - last_content_ > exchange_.config.timeouts.ping_only)
      co_return fail(ErrorKind::kTimedOut,
                     "the upstream sent nothing but pings (timeouts.pingOnlySeconds)");
  }
}

// Some gateways send 200 with an error in JSON, or with anything else that is no event stream: the
// error quotes it, since nothing else explains what went wrong.
Task<Result<void>> TranslatedReply::take_no_stream(http::Coding coding) {
  ErrorBody read = co_await exchange_.upstream.read_error_body();
  if (read.broke) co_return fail(*read.broke);
  std::string body = std::move(read.text);
  if (coding != http::Coding::kIdentity) {
    http::Decoder decoder(coding);
    std::string plain;
    (void)decoder.decode(body, plain, kLarge);
    body = std::move(plain);
  }
  auto event = anthropic::read_event(exchange_.worker.events, "error", body);
  const auto* failure = event ? std::get_if<anthropic::Failure>(&*event) : nullptr;
  if (failure != nullptr && !failure->message.empty()) {
    note_failure(*failure);
    co_return Result<void>{};
  }
  co_return fail_quoting(exchange_.receipt, ErrorKind::kUpstreamBroke,
                         "the upstream's answer is no event stream", dialect::quoted_excerpt(body));
}

Task<Result<std::string_view>> TranslatedReply::next_piece() {
  if (!reply_options_.streams || exchange_.upstream.response().body_ready())
    co_return co_await exchange_.upstream.response().read_body();
  co_return co_await meanwhile(read_on(exchange_.upstream.shared_response()));
}

Result<std::string_view> TranslatedReply::decoded(std::string_view piece) {
  received_ += piece.size();
  if (!reply_options_.streams && received_ > kMaxWhole)
    return fail(ErrorKind::kUpstreamBroke, "the upstream's answer is too large to be held whole");
  if (reply_options_.wants_transcript && received_ > kMaxTranscript) {
    reply_options_.wants_transcript = false;
    transcript_.clear();
  }
  if (!decoder_) return piece;
  plain_.clear();
  if (!decoder_->decode(piece, plain_, kMaxEvent))
    return fail(ErrorKind::kUpstreamBroke, "the upstream's answer does not decode");
  return std::string_view(plain_);
}

// How many bytes the next piece may make the encoder emit: a whole item, or the whole response
// object before the first one.
std::size_t TranslatedReply::next_size() const {
  return content_ + events_->stored_bytes() + (started_ ? 0 : encoder_.echoed_bytes());
}

// A few bytes of a coded response may decode to many.
Task<Result<bool>> TranslatedReply::take_piece_apart(std::string piece) {
  Result<bool> is_complete;
  const auto taking = [this, &piece, &is_complete] {
    anthropic::EventReader reader;
    is_complete = take_piece(piece, reader);
  };
  co_await encode(decoder_ ? kMaxEvent : next_size(), taking);
  co_return is_complete;
}

// Does `work`, which emits about `size` bytes.
Task<void> TranslatedReply::encode(std::size_t size, FunctionRef<void()> work) {
  if (reply_options_.recorder != nullptr) return reply_options_.recorder->encode(size, work);
  return offload_accepted(exchange_.worker, size, work);
}

Task<void> TranslatedReply::encode_end(FunctionRef<void()> work) {
  co_await encode(content_ + encoder_.echoed_bytes(), work);
}

// True when the message is complete.
Result<bool> TranslatedReply::take_piece(std::string_view piece, anthropic::EventReader& reader) {
  const auto bytes = decoded(piece);
  if (!bytes) return fail(bytes.error());
  events_->feed(*bytes);
  while (const auto sse = events_->next()) {
    if (sse->cut)
      return fail(ErrorKind::kUpstreamBroke, "the upstream sent an event larger than 16 MiB");
    auto event = anthropic::read_event(reader, sse->name, sse->data);
    if (!event) return fail(event.error());
    if (take_event(*event)) return true;
  }
  return false;
}

bool TranslatedReply::take_event(const anthropic::MessageEvent& event) {
  using namespace anthropic;
  if (const auto* failure = std::get_if<Failure>(&event)) {
    note_failure(*failure);
    return true;
  }
  if (std::holds_alternative<MessageStart>(event) && !started_) started_ = Clock::now();
  if (std::holds_alternative<BlockStart>(event) || std::holds_alternative<MessageDelta>(event))
    always_replies_ = always_replies_ || reply_options_.streams;
  if (!std::holds_alternative<Ping>(event)) last_content_ = Clock::now();
  content_ += content_of(event);
  whole_.pass(event, [this](const MessageEvent& whole) {
    encoder_.on(whole, out_);
    if (reply_options_.wants_transcript) transcript_.on(whole);
  });
  return std::holds_alternative<MessageStop>(event);
}

void TranslatedReply::note_failure(const anthropic::Failure& failure) {
  if (always_replies_) {
    whole_.pass(failure, [this](const auto& whole) { encoder_.on(whole, out_); });
    is_over_ = true;
  } else {
    failure_ = dialect::openai_error(reply_options_.dialect, failure, field_views(*head_),
                                     exchange_.receipt.id, wall_now());
  }
  // The log gets the type alone, and only one that is known: the message may quote a body.
  const bool is_known = anthropic::status_of_type(failure.type.escaped).has_value();
  note_ending(exchange_.receipt,
              {ErrorKind::kUpstreamBroke,
               fmt::format("the upstream ended its answer with an error event: {}",
                           is_known ? failure.type.escaped : "of a type that is not known")});
}

void TranslatedReply::commit() {
  std::string fields;
  http::append_field(fields, "content-type", "text/event-stream; charset=utf-8");
  http::append_field(fields, "cache-control", "no-cache");
  http::append_field(fields, "x-accel-buffering", "no");
  fields += reply_options_.fields;
  exchange_.sink.begin(200, fields);
  exchange_.receipt.status = 200;
  is_committed_ = true;
}

// Sends whole events only, all that there are in one write.
Task<Result<void>> TranslatedReply::write() {
  if (!always_replies_ || out_.empty()) co_return Result<void>{};
  if (!is_committed_) commit();
  auto written = co_await exchange_.sink.write(out_);
  if (out_.capacity() > kMaxPiece) out_ = std::string();  // it repeated a large request
  out_.clear();
  last_sent_ = Clock::now();
  co_return written;
}

// Reserves what the next piece may take before it is read: as much as came so far, while that is
// little. As long as there is no room, nothing is read from the upstream.
Task<Result<void>> TranslatedReply::make_room() {
  const std::size_t content = content_ + std::min(content_, kMaxPiece);
  const std::size_t recorded = std::min(content, ReplyOptions::kMaxRecorded);
  const std::size_t size = reply_options_.cost * content + reply_options_.recorded_cost * recorded;
  if (hold_up_to(size)) co_return Result<void>{};
  const bool may_wait = reply_options_.streams || reply_options_.always_replies;
  const auto give_up = Clock::now() + kMemoryTimeout;
  while (!hold_up_to(size)) {
    const bool can_never_fit = size > exchange_.worker.shared.held.room();
    if (!may_wait || can_never_fit || Clock::now() >= give_up) co_return too_much_memory_held();
    auto waited = co_await meanwhile(exchange_.upstream.pause(kPollInterval));
    if (!waited) co_return waited;
  }
  last_content_ = Clock::now();  // this side was slow, not the upstream
  co_return Result<void>{};
}

// A small reply is never refused: it takes no more than its connection takes anyway, so that small
// requests get theirs while others wait.
bool TranslatedReply::hold_up_to(std::size_t size) {
  if (size <= hold_.size()) return true;
  const std::size_t more = size - hold_.size();
  if (size > kSmall) return hold_.grow(more);
  hold_.grow_anyway(more);
  return true;
}

Task<Result<void>> TranslatedReply::send_keepalive_if_due() {
  if (until_due() > Clock::duration::zero()) co_return Result<void>{};
  always_replies_ = true;
  if (is_committed_) out_ += dialect::kKeepAlive;
  auto written = co_await write();
  co_return written;
}

Clock::duration TranslatedReply::until_due() const {
  const auto now = Clock::now();
  if (is_committed_) return last_sent_ + exchange_.config.timeouts.sse_keep_alive - now;
  return started_ ? *started_ + kCommitDelay - now : kNothingDue;
}

Task<Result<void>> TranslatedReply::finish() {
  note_usage();
  if (failure_) {
    dialect::ErrorReply error = std::move(*failure_);
    co_return co_await refuse(std::move(error));
  }
  const auto finishing = [this] { encoder_.finish(out_); };
  if (!is_over_) co_await encode_end(finishing);
  note_ignored();
  if (!reply_options_.streams && !reply_options_.always_replies && encoder_.status() != status::kOk)
    withdraw();
  co_await record();
  if (!reply_options_.streams) {
    std::string fields;
    http::append_field(fields, "content-type", "application/json");
    fields += reply_options_.fields;
    if (const std::string ignored = dialect::header_list(encoder_.ignored()); !ignored.empty())
      http::append_field(fields, "x-ccproxy-ignored", ignored);
    exchange_.receipt.status = encoder_.status();
    co_return co_await exchange_.sink.reply(encoder_.status(), fields, out_);
  }
  co_return co_await end();
}

// The end is sent after the reply was stored, so that a client that has seen it finds all of it.
Task<void> TranslatedReply::record() {
  if (reply_options_.recorder == nullptr) co_return;
  const bool is_stored = co_await reply_options_.recorder->record(transcript_, out_, hold_);
  if (!is_stored) append_warning(reply_options_.fields, "not_stored");
}

void TranslatedReply::withdraw() {
  if (reply_options_.recorder != nullptr)
    std::exchange(reply_options_.recorder, nullptr)->withdraw();
}

Task<Result<void>> TranslatedReply::end() {
  if (!is_committed_) commit();
  co_return co_await exchange_.sink.end(out_);
}

Task<Result<void>> TranslatedReply::break_off(Error error) {
  note_usage();
  const bool has_listener =
      error.kind != ErrorKind::kClientGone && error.kind != ErrorKind::kClientStalled;
  if (!always_replies_ && has_listener) {
    withdraw();
    co_return fail(std::move(error));
  }
  note_ending(exchange_.receipt, error);
  note_ignored();
  if (!has_listener) {
    exchange_.sink.close();
    out_ = std::string();
    if (reply_options_.recorder != nullptr)
      co_await reply_options_.recorder->record_cancelled(transcript_, hold_);
    co_return Result<void>{};
  }
  const auto failing = [this, &error] { encoder_.fail(error, out_); };
  co_await encode_end(failing);
  co_await record();
  co_return co_await end();
}

Task<Result<void>> TranslatedReply::break_off(dialect::ErrorReply error, std::string_view event) {
  note_usage();
  if (!always_replies_) co_return co_await refuse(std::move(error));
  const auto failing = [this, &error, event] {
    anthropic::EventReader reader;
    auto read = anthropic::read_event(reader, "error", event);
    if (read) {
      if (auto* failure = std::get_if<anthropic::Failure>(&*read))
        failure->retry_after = retry_after_of(error);
      whole_.pass(*read, [this](const auto& whole) { encoder_.on(whole, out_); });
    }
    // This does nothing when the event has ended the reply.
    encoder_.fail({ErrorKind::kUpstreamBroke, "the upstream refused to go on"}, out_);
  };
  co_await encode_end(failing);
  co_await record();
  co_return co_await end();
}

Task<Result<void>> TranslatedReply::refuse(dialect::ErrorReply error) {
  withdraw();
  co_return co_await send_error_reply(exchange_, std::move(error));
}

// The head of a stream has left before this is known, so the log alone has it.
void TranslatedReply::note_ignored() {
  const std::string ignored = dialect::header_list(encoder_.ignored());
  if (ignored.empty()) return;
  std::string& all = exchange_.receipt.ignored;
  if (!all.empty()) all += ',';
  all += ignored;
}

void TranslatedReply::note_usage() {
  const dialect::Tokens tokens = encoder_.tokens();
  telemetry::Receipt& receipt = exchange_.receipt;
  if (!started_) return;
  receipt.input_tokens = tokens.input;
  receipt.cached_tokens = tokens.cache_read;
  receipt.cache_write_tokens = tokens.cache_write;
  receipt.output_tokens = tokens.output;
  receipt.stop_reason = anthropic::known_stop_reason(encoder_.stop_reason());
}

}  // namespace ccproxy::proxy
