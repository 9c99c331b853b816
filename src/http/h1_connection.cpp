#include "http/h1_connection.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <utility>

namespace ccproxy::http {
namespace {

constexpr std::size_t kHeadLimit = 64 * 1024;
constexpr std::size_t kSmallRead = 4 * 1024;
constexpr std::size_t kLargeRead = 64 * 1024;
// The timeout for stalled writes applies to so many bytes at a time, so that a slow connection is
// not taken for a dead one.
constexpr std::size_t kMaxWrite = 256 * 1024;

// Replaces the message of a timeout by one that names the limit. Other errors stay as they are.
Error name_limit(Error error, std::string_view what, Clock::duration limit, std::string_view key) {
  if (error.kind != ErrorKind::kTimedOut) return error;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
  return {ErrorKind::kTimedOut,
          fmt::format("the upstream sent {} for {} s ({})", what, seconds, key)};
}

}  // namespace

H1Connection::H1Connection(std::unique_ptr<net::Stream> stream, std::string authority,
                           ClientLimits limits)
    : stream_(std::move(stream)),
      authority_(std::move(authority)),
      limits_(limits),
      parser_(kHeadLimit),
      read_size_(kSmallRead) {}

Task<Result<void>> H1Connection::send(const OutgoingRequest& request, std::string_view body,
                                      bool last) {
  const auto self = shared_from_this();
  is_head_request_ = request.method == "HEAD";
  chunked_ = !request.length && !(last && body.empty());
  response_begun_ = keeps_alive_ = sent_ = body_returned_ = false;
  body_.clear();
  front_.clear();
  front_.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  append_field(front_, "host", authority_);
  for (const Field& field : request.fields) append_field(front_, field.name, field.value);
  if (chunked_) {
    front_ += "transfer-encoding: chunked\r\n\r\n";
    co_return co_await send_body(body, last);
  }
  if (request.length.value_or(0) > 0 || request.method == "POST" || request.method == "PUT")
    append_field(front_, "content-length", std::to_string(request.length.value_or(0)));
  front_ += "\r\n";
  co_return co_await send_body(body, last);
}

Task<Result<void>> H1Connection::send_body(std::string_view piece, bool last) {
  const auto self = shared_from_this();
  if (chunked_ && !piece.empty()) append_chunk_line(front_, piece.size());
  const std::string_view tail = !chunked_               ? std::string_view{}
                                : piece.empty() && last ? "0\r\n\r\n"
                                : last                  ? "\r\n0\r\n\r\n"
                                : piece.empty()         ? ""
                                                        : "\r\n";
  std::string_view front = front_;
  Result<void> written;
  while (written && piece.size() > kMaxWrite) {
    stream_->expires_after(limits_.write_stall);
    written = co_await stream_->write(front, piece.substr(0, kMaxWrite));
    front = {};
    piece.remove_prefix(kMaxWrite);
  }
  if (written) {
    stream_->expires_after(limits_.write_stall);
    written = co_await stream_->write(front, piece, tail);
  }
  front_.clear();
  stream_->never_expires();
  sent_ = written && last;
  if (!written && written.error().kind == ErrorKind::kTimedOut)
    co_return fail(ErrorKind::kTimedOut,
                   "the upstream stopped taking the request (timeouts.writeStallSeconds)");
  co_return written;
}

// Reads more bytes into input_. Returns 0 at the end of the stream.
Task<Result<std::size_t>> H1Connection::fill(Clock::duration limit) {
  stream_->expires_after(limit);
  if (input_.empty() && input_.capacity() > read_size_) input_.release();  // while little arrives
  const auto room = input_.prepare(read_size_).first(read_size_);
  auto got = co_await stream_->read_some(room);
  stream_->never_expires();
  if (got) {
    input_.commit(*got);
    read_size_ = *got == read_size_ ? kLargeRead : kSmallRead;
    response_begun_ = response_begun_ || *got > 0;
    co_return got;
  }
  co_return got;
}

Task<Result<ResponseHead>> H1Connection::read_head() {
  const auto self = shared_from_this();
  // The limit covers the whole head: neither interim responses nor a slow head extend it.
  const auto give_up = Clock::now() + limits_.first_byte;
  while (true) {
    auto head = parser_.read_response(input_, is_head_request_);
    if (!head) co_return fail(head.error());
    if (*head && (*head)->status >= 200) {
      keeps_alive_ = http::keeps_alive(**head) && parser_.framing().kind != BodyKind::kUntilClose;
      take_body();
      co_return std::move(**head);
    }
    if (*head && (*head)->status == 101)
      co_return fail(ErrorKind::kUpstreamBroke, "the upstream switched protocols unasked");
    if (*head) continue;
    const auto left = give_up - Clock::now();
    Result<std::size_t> filled = fail(ErrorKind::kTimedOut, "");
    if (left > Clock::duration::zero()) filled = co_await fill(left);
    if (!filled)
      co_return fail(name_limit(std::move(filled.error()), "no answer", limits_.first_byte,
                                "timeouts.firstByteSeconds"));
    if (*filled == 0)
      co_return fail(ErrorKind::kClosed, "the upstream closed the connection without an answer");
  }
}

Task<Result<std::string_view>> H1Connection::read_body() {
  const auto self = shared_from_this();
  if (std::exchange(body_returned_, false)) {
    body_.clear();
    if (read_size_ == kSmallRead && body_.capacity() > kSmallRead) body_.release();
    take_body();
  }
  while (true) {
    if (!body_.empty()) {
      body_returned_ = true;
      co_return body_.view();
    }
    if (broken_) co_return fail(*broken_);
    if (parser_.done()) co_return std::string_view{};
    auto filled = co_await fill(limits_.idle);
    if (!filled)
      co_return fail(name_limit(std::move(filled.error()), "nothing", limits_.idle,
                                "timeouts.idleUpstreamSeconds"));
    if (*filled == 0) {
      auto ended = parser_.end_of_stream();
      if (!ended) co_return fail(ended.error());
    }
    take_body();
  }
}

// Parses the bytes that have arrived.
void H1Connection::take_body() {
  if (broken_) return;
  auto taken = parser_.read_body(input_, body_);
  if (!taken) broken_ = std::move(taken.error());
}

bool H1Connection::reusable() const {
  return sent_ && parser_.done() && !broken_ && keeps_alive_ && input_.empty();
}

void H1Connection::release_buffers() {
  input_.release();
  body_.release();
}

}  // namespace ccproxy::http
