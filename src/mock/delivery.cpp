#include "mock/delivery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "http/head.hpp"

namespace ccproxy::mock {
namespace {

// A peer that reads gets what was written before it gets the reset.
constexpr Milliseconds kBeforeReset{20};
constexpr std::chrono::seconds kWriteStall{60};
constexpr std::string_view kPing = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
constexpr std::string_view kInterim =
    "HTTP/1.1 103 Early Hints\r\nlink: </>; rel=preconnect\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kOpenChunk = "1000\r\ndata: {\"type\":";

tl::unexpected<Error> left() {
  return fail(ErrorKind::kClientGone, "the client closed the connection");
}

std::uint64_t declared_length(const Reply& reply) {
  const auto length = static_cast<std::int64_t>(body_size(reply)) + reply.length_error;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(length, 0));
}

Task<Result<void>> write_raw(Visitor& visitor, std::string_view bytes) {
  net::Stream& stream = visitor.connection().stream();
  stream.expires_after(kWriteStall);
  auto written = co_await stream.write(bytes);
  stream.never_expires();
  if (!written) co_return left();
  co_return written;
}

Task<Result<void>> ping_on(Visitor& visitor, const Reply& reply) {
  const auto end = Clock::now() + reply.patience;
  while (Clock::now() < end) {
    const bool stays = co_await visitor.wait(reply.beat);
    if (!stays) co_return left();
    auto written = co_await visitor.connection().write(kPing);
    if (!written) co_return written;
  }
  visitor.connection().close();
  co_return Result<void>{};
}

// Ends a reply that is not to be whole.
Task<Result<void>> break_off(Visitor& visitor, const Reply& reply) {
  auto& connection = visitor.connection();
  if (reply.ending == Ending::kReset) {
    const bool stays = co_await visitor.wait(kBeforeReset);
    connection.reset();
    if (!stays) co_return left();
    co_return Result<void>{};
  }
  if (reply.ending == Ending::kStall) {
    const bool stays = co_await visitor.wait(reply.patience);
    connection.close();
    if (!stays) co_return left();
    co_return Result<void>{};
  }
  if (!reply.has_length && reply.framing == Framing::kRight && visitor.version() == 11) {
    auto written = co_await write_raw(visitor, kOpenChunk);
    if (!written) co_return written;
  }
  connection.close();
  co_return Result<void>{};
}

// The sound way: framing is the connection's care.
Task<Result<void>> deliver_steps(Visitor& visitor, const Reply& reply) {
  auto& connection = visitor.connection();
  if (reply.afterwards == Afterwards::kClose) connection.close_after_reply();
  std::optional<std::uint64_t> length;
  if (reply.has_length) length = declared_length(reply);
  connection.begin_reply(reply.status, reply.fields, length);
  const bool whole = reply.ending == Ending::kWhole;
  for (std::size_t i = 0; i < reply.steps.size(); ++i) {
    const Step& step = reply.steps[i];
    if (step.pause.count() > 0) {
      auto flushed = co_await connection.flush();
      if (!flushed) co_return flushed;
      const bool stays = co_await visitor.wait(step.pause);
      if (!stays) co_return left();
    }
    if (whole && i + 1 == reply.steps.size()) co_return co_await connection.end_reply(step.bytes);
    auto written = co_await connection.write(step.bytes);
    if (!written) co_return written;
  }
  if (whole) co_return co_await connection.end_reply();
  auto flushed = co_await connection.flush();
  if (!flushed) co_return flushed;
  if (reply.ending == Ending::kPings) co_return co_await ping_on(visitor, reply);
  co_return co_await break_off(visitor, reply);
}

// The whole reply as it looks on the wire.
std::string wire_text(const Visitor& visitor, const Reply& reply) {
  const bool until_close = reply.framing == Framing::kUntilClose;
  const bool chunked = !until_close && reply.framing != Framing::kTwoLengths && !reply.has_length;
  std::string wire = fmt::format("HTTP/1.{} {} {}\r\n", until_close ? 0 : 1, reply.status,
                                 http::reason_phrase(reply.status));
  wire += reply.fields;
  const auto add_length = [&](std::uint64_t length) {
    http::append_field(wire, "content-length", std::to_string(length));
  };
  const bool claims_length = reply.framing == Framing::kTwoLengths ||
                             reply.framing == Framing::kLengthAndChunks ||
                             (reply.framing == Framing::kRight && reply.has_length);
  if (claims_length) add_length(declared_length(reply));
  if (reply.framing == Framing::kTwoLengths) add_length(declared_length(reply) / 2);
  if (chunked || reply.framing == Framing::kLengthAndChunks)
    http::append_field(wire, "transfer-encoding", "chunked");
  if (!visitor.keeps_alive()) http::append_field(wire, "connection", "close");
  wire += "\r\n";
  if (visitor.asks_head()) return wire;
  const bool in_chunks = chunked || reply.framing == Framing::kLengthAndChunks;
  for (const Step& step : reply.steps) {
    if (in_chunks) fmt::format_to(std::back_inserter(wire), "{:x}\r\n", step.bytes.size());
    wire += step.bytes;
    if (in_chunks) wire += "\r\n";
  }
  if (in_chunks) wire += "0\r\n\r\n";
  return wire;
}

// The broken way: bytes that no sound server would write, or sound ones in odd pieces.
Task<Result<void>> deliver_wire(Visitor& visitor, const Reply& reply) {
  const std::string wire = wire_text(visitor, reply);
  const std::size_t size = reply.slice == 0 ? wire.size() : reply.slice;
  for (std::size_t at = 0; at < wire.size(); at += size) {
    if (at > 0) {
      const bool stays = co_await visitor.wait(reply.beat);
      if (!stays) co_return left();
    }
    const std::string_view piece = std::string_view(wire).substr(at, size);
    auto written = co_await write_raw(visitor, piece);
    if (!written) co_return written;
  }
  if (reply.ending == Ending::kAbort) visitor.socket().close();
  const bool ends = reply.framing != Framing::kRight || !visitor.keeps_alive();
  if (ends || reply.ending != Ending::kWhole) visitor.connection().close();
  co_return Result<void>{};
}

}  // namespace

Task<Result<void>> deliver(Visitor& visitor, const Reply& reply) {
  if (reply.delay.count() > 0) {
    const bool stays = co_await visitor.wait(reply.delay);
    if (!stays) co_return left();
  }
  if (reply.silent) co_return co_await break_off(visitor, reply);
  if (reply.interim && visitor.version() == 11) {
    auto written = co_await write_raw(visitor, kInterim);
    if (!written) co_return written;
  }
  // An HTTP/1.0 client knows no chunks: for it only the sound way is right.
  const bool raw = reply.framing != Framing::kRight || (reply.slice > 0 && visitor.version() == 11);
  Result<void> sent;
  if (raw) {
    sent = co_await deliver_wire(visitor, reply);
  } else {
    sent = co_await deliver_steps(visitor, reply);
  }
  if (sent && reply.afterwards == Afterwards::kDieAtOnce) visitor.connection().close();
  co_return sent;
}

}  // namespace ccproxy::mock
