#include "http/server_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "base/text.hpp"

namespace ccproxy::http {
namespace {

constexpr std::size_t kReadAhead = 64 * 1024;
constexpr std::size_t kSmallRead = 4 * 1024;
constexpr std::size_t kLargeRead = 64 * 1024;
constexpr std::size_t kMaxWrite =
    256 * 1024;  // the timeout for stalled writes is for so many bytes
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::chrono::milliseconds kPollInterval{250};
// How long a connection that drains waits for a request, since a client whose last reply did not
// have "connection: close" may be about to send one.
constexpr std::chrono::seconds kDrainKeepAlive{1};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

tl::unexpected<Error> client_gone() {
  return fail(ErrorKind::kClientGone, "the client closed the connection");
}

}  // namespace

ServerConnection::ServerConnection(net::Runtime& runtime, std::unique_ptr<net::Stream> stream,
                                   ServerLimits limits, std::string_view common_fields)
    : runtime_(runtime),
      stream_(std::move(stream)),
      limits_(limits),
      common_fields_(common_fields),
      parser_(limits.head_bytes),
      changed_(runtime),
      drained_(runtime),
      input_deadline_(runtime,
                      [this] {
                        input_timed_out_ = true;
                        changed_.notify();
                      }),
      peer_poll_(runtime, [this] { drained_.notify(); }) {}

ServerConnection::~ServerConnection() = default;

void ServerConnection::start() { runtime_.spawn(pump(shared_from_this())); }

// Whatever happens, the coroutines that wait for this connection are woken.
Task<void> ServerConnection::pump(std::shared_ptr<ServerConnection> self) {
  try {
    co_await read_ahead(self);
    co_return;
  } catch (const std::exception&) {  // as a rule std::bad_alloc
  }
  self->close();
}

// Reads for as long as the connection lives, at most kReadAhead bytes ahead of the parser.
Task<void> ServerConnection::read_ahead(std::shared_ptr<ServerConnection> self) {
  std::size_t want = kSmallRead;
  Buffer landing;
  while (true) {
    while (self->arrived_.size() >= kReadAhead && self->phase_ != Phase::kClosed) {
      if (self->stream_->peer_has_closed()) co_return self->note_end(ErrorKind::kClosed);
      self->peer_poll_.expires_after(kPollInterval);
      co_await self->drained_.wait();
    }
    if (landing.capacity() > want) landing.release();  // large only while much arrives
    const std::size_t most = std::min(want, kReadAhead - self->arrived_.size());
    const auto room = landing.prepare(want).first(most);
    auto got = co_await self->stream_->read_some(room);
    if (!got || *got == 0) {
      self->note_end(got ? ErrorKind::kClosed : got.error().kind);
      co_return;
    }
    want = *got == room.size() ? kLargeRead : kSmallRead;
    landing.commit(*got);
    if (self->arrived_.empty()) {
      self->arrived_.swap(landing);
    } else {
      self->arrived_.append(landing.view());
    }
    landing.clear();
    self->changed_.notify();
  }
}

// Called when nothing more can be read. The client counts as gone when it has ended the connection:
// neither after a close() of this side, nor after a write that stalled, which the writer reports.
void ServerConnection::note_end(ErrorKind reason) {
  const bool left = phase_ != Phase::kClosed && reason != ErrorKind::kTimedOut;
  phase_ = left ? phase_ : Phase::kClosed;
  client_gone_ = left;
  changed_.notify();
  if (auto call = std::exchange(on_gone_, {}); call && left) call();
}

// Moves the bytes that have arrived to the parser's input; returns false when there are none.
bool ServerConnection::take_arrived() {
  if (arrived_.empty()) return false;
  if (input_.empty()) {
    input_.swap(arrived_);
  } else {
    input_.append(arrived_.view());
  }
  arrived_.clear();
  drained_.notify();
  return true;
}

// Waits for more input. Fails with kTimedOut after `limit`, kClosed at the end of the stream.
Task<Result<void>> ServerConnection::wait_for_input(Clock::duration limit) {
  input_timed_out_ = false;
  input_deadline_.expires_after(limit);
  while (true) {
    if (take_arrived()) break;
    if (client_gone_ || phase_ == Phase::kClosed)
      co_return fail(ErrorKind::kClosed, "the client closed the connection");
    if (input_timed_out_) co_return fail(ErrorKind::kTimedOut, "the client took too long");
    if (was_drained_idle_ && phase_ == Phase::kIdle)
      co_return fail(ErrorKind::kClosed, "the server is ending");
    co_await changed_.wait();
  }
  input_deadline_.disarm();
  co_return Result<void>{};
}

Task<Result<RequestHead>> ServerConnection::read_request() {
  if (phase_ == Phase::kClosed || request_failed_ || !parser_.done())
    co_return fail(ErrorKind::kClosed, "the connection is closed");
  phase_ = Phase::kIdle;
  release_buffers();
  reply_begun_ = head_sent_ = false;
  auto give_up = Clock::time_point::max();
  while (true) {
    auto head = parser_.read_request(input_);
    if (!head) {
      refuse_request(parser_.refused_path());
      co_return fail(head.error());
    }
    if (*head) {
      phase_ = Phase::kRequest;
      is_head_request_ = (*head)->method == "HEAD";
      version_ = (*head)->version;
      client_keeps_alive_ = version_ == 11 && keeps_alive(**head);
      expects_continue_ = version_ == 11 && same_text((*head)->get("expect"), "100-continue");
      co_return std::move(**head);
    }
    if (!input_.empty() && give_up == Clock::time_point::max()) {
      phase_ = Phase::kRequest;  // the head has begun, and has its own limit from here on
      give_up = Clock::now() + limits_.request_head;
    }
    const bool idle = input_.empty();
    const Clock::duration keep_alive =
        draining_ ? std::min<Clock::duration>(limits_.keep_alive, kDrainKeepAlive)
                  : limits_.keep_alive;
    auto waited = co_await wait_for_input(idle ? keep_alive : give_up - Clock::now());
    if (waited) continue;
    if (idle || waited.error().kind == ErrorKind::kClosed) {
      close();
      co_return fail(ErrorKind::kClosed, waited.error().message);
    }
    refuse_request(std::string(path_in(input_.view())));
    co_return fail(ErrorKind::kClientStalled,
                   "the request head did not arrive in time (timeouts.requestHeadSeconds)");
  }
}

// Resets the state that shapes the reply, since there is no head of this request.
void ServerConnection::refuse_request(std::string path) {
  refused_path_ = std::move(path);
  phase_ = Phase::kRequest;
  request_failed_ = close_after_reply_ = true;
  is_head_request_ = expects_continue_ = false;
  version_ = 11;
}

// An idle connection keeps at most 4 KiB of each input buffer.
void ServerConnection::release_buffers() {
  body_.release();
  if (input_.empty() && input_.capacity() > kSmallRead) input_.release();
  if (arrived_.empty() && arrived_.capacity() > kSmallRead) arrived_.release();
}

void ServerConnection::on_gone(std::function<void()> call) {
  if (client_gone_ && call) return call();
  on_gone_ = std::move(call);
}

std::optional<std::uint64_t> ServerConnection::body_length() const {
  if (parser_.framing().kind != BodyKind::kLength) return std::nullopt;
  return parser_.framing().length;
}

Task<Result<std::string_view>> ServerConnection::read_body() {
  body_.clear();
  while (!parser_.done()) {
    auto taken = parser_.read_body(input_, body_);
    if (!taken) {
      request_failed_ = close_after_reply_ = true;
      co_return fail(taken.error());
    }
    if (!body_.empty()) co_return body_.view();
    if (parser_.done()) break;
    if (std::exchange(expects_continue_, false) && arrived_.empty() && !reply_begun_) {
      auto sent = co_await send(kContinue);
      if (!sent) co_return fail(sent.error());
    }
    auto waited = co_await wait_for_input(limits_.body_stall);
    if (waited) continue;
    request_failed_ = close_after_reply_ = true;
    if (waited.error().kind == ErrorKind::kTimedOut)
      co_return fail(ErrorKind::kClientStalled,
                     "the request body stopped arriving (timeouts.bodyStallSeconds)");
    co_return client_gone();
  }
  co_return std::string_view{};
}

void ServerConnection::begin_reply(int status, std::string_view fields,
                                   std::optional<std::uint64_t> length) {
  // The unread rest of this request would be taken for the next request.
  if (!parser_.done() || request_failed_ || draining_ || !client_keeps_alive_)
    close_after_reply_ = true;
  reply_begun_ = true;
  head_sent_ = false;
  const bool has_body = !is_head_request_ && status != 204 && status != 304;
  reply_kind_ = !has_body        ? BodyKind::kNone
                : length         ? BodyKind::kLength
                : version_ == 11 ? BodyKind::kChunked
                                 : BodyKind::kUntilClose;
  reply_left_ = length.value_or(0);
  if (reply_kind_ == BodyKind::kUntilClose) close_after_reply_ = true;

  head_.clear();
  head_.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  head_.append(reason_phrase(status)).append("\r\n");
  head_ += common_fields_;
  head_ += fields;
  if (length && status != 204 && status != 304)
    append_field(head_, "content-length", std::to_string(*length));
  if (reply_kind_ == BodyKind::kChunked) head_ += "transfer-encoding: chunked\r\n";
  if (close_after_reply_) head_ += "connection: close\r\n";
  head_ += "\r\n";
}

void ServerConnection::discard_reply() {
  reply_begun_ = false;
  head_.clear();
}

Task<Result<void>> ServerConnection::send(std::string_view first, std::string_view second,
                                          std::string_view third) {
  Result<void> written;
  while (written && second.size() > kMaxWrite) {
    stream_->expires_after(limits_.write_stall);
    written = co_await stream_->write(first, second.substr(0, kMaxWrite));
    first = {};
    second.remove_prefix(kMaxWrite);
  }
  if (written) {
    stream_->expires_after(limits_.write_stall);
    written = co_await stream_->write(first, second, third);
  }
  stream_->never_expires();
  if (written) co_return written;
  const bool stalled = written.error().kind == ErrorKind::kTimedOut;
  close();
  if (stalled)
    co_return fail(ErrorKind::kClientStalled,
                   "the client did not take its answer (timeouts.writeStallSeconds)");
  co_return client_gone();
}

Task<Result<void>> ServerConnection::flush() {
  if (head_sent_) co_return Result<void>{};
  head_sent_ = true;
  const std::string_view head = head_;
  co_return co_await send(head);
}

Task<Result<void>> ServerConnection::write(std::string_view piece) {
  if (piece.empty()) co_return Result<void>{};
  co_return co_await send_piece(piece, false);
}

Task<Result<void>> ServerConnection::send_piece(std::string_view piece, bool last) {
  const bool chunked = reply_kind_ == BodyKind::kChunked;
  if (reply_kind_ == BodyKind::kNone) piece = {};
  reply_left_ -= std::min<std::uint64_t>(reply_left_, piece.size());
  // The chunk's size line joins the head, so that the first bytes leave in one write.
  if (std::exchange(head_sent_, true)) head_.clear();
  if (chunked && !piece.empty()) append_chunk_line(head_, piece.size());
  const std::string_view tail = !chunked                ? std::string_view{}
                                : piece.empty() && last ? "0\r\n\r\n"
                                : last                  ? "\r\n0\r\n\r\n"
                                                        : "\r\n";
  if (head_.empty() && piece.empty() && tail.empty()) co_return Result<void>{};
  const std::string_view front = head_;
  co_return co_await send(front, piece, tail);
}

Task<Result<void>> ServerConnection::end_reply(std::string_view last) {
  auto sent = co_await send_piece(last, true);
  if (!sent) co_return sent;
  reply_begun_ = false;
  const bool cut = reply_kind_ == BodyKind::kLength && reply_left_ > 0;
  if (!close_after_reply_ && !cut) co_return sent;  // the client may send another request
  const bool unread = !parser_.done() || request_failed_ || !input_.empty() || !arrived_.empty();
  if (unread && !cut) {
    co_await linger();
  } else {
    close();
  }
  co_return sent;
}

Task<Result<void>> ServerConnection::send_reply(int status, std::string_view fields,
                                                std::string_view body) {
  begin_reply(status, fields, body.size());
  co_return co_await end_reply(body);
}

Task<void> ServerConnection::linger() {
  stream_->end_writing();
  const auto give_up = Clock::now() + kLingerTime;
  while (Clock::now() < give_up) {
    input_.clear();
    auto waited = co_await wait_for_input(give_up - Clock::now());
    if (!waited) break;
  }
  close();
}

void ServerConnection::drain() {
  draining_ = true;
  was_drained_idle_ = phase_ == Phase::kIdle;
  changed_.notify();
}

// A client takes an orderly end of the connection for the end of a body without framing.
void ServerConnection::cut_reply() {
  if (reply_kind_ == BodyKind::kUntilClose) return reset();
  close();
}

void ServerConnection::close() {
  phase_ = Phase::kClosed;
  input_deadline_.disarm();
  stream_->close();
  changed_.notify();
  drained_.notify();
}

void ServerConnection::reset() {
  stream_->reset();
  close();
}

}  // namespace ccproxy::http
