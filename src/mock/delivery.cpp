#include "mock/delivery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "http/head.hpp"

namespace ccproxy::mock {
namespace {

// Gives the peer time to read what was written before the reset discards it.
constexpr Milliseconds kBeforeReset{20};
constexpr std::chrono::seconds kWriteStall{60};
constexpr std::string_view kPing = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
constexpr std::string_view kInterim =
    "HTTP/1.1 103 Early Hints\r\nlink: </>; rel=preconnect\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kOpenChunk = "1000\r\ndata: {\"type\":";

tl::unexpected<Error> client_left_error() {
  return fail(ErrorKind::kClientGone, "the client closed the connection");
}

std::uint64_t declared_length(const Reply& reply) {
  const auto length = static_cast<std::int64_t>(body_size(reply)) + reply.length_error;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(length, 0));
}

Task<Result<void>> write_raw(ClientConnection& client, std::string_view bytes) {
  net::Stream& stream = client.connection().stream();
  stream.expires_after(kWriteStall);
  auto written = co_await stream.write(bytes);
  stream.never_expires();
  if (!written) co_return client_left_error();
  co_return written;
}

Task<Result<void>> ping_on(ClientConnection& client, const Reply& reply) {
  const auto end = Clock::now() + reply.stall_limit;
  while (Clock::now() < end) {
    const bool stays = co_await client.wait(reply.interval);
    if (!stays) co_return client_left_error();
    auto written = co_await client.connection().write(kPing);
    if (!written) co_return written;
  }
  client.connection().close();
  co_return Result<void>{};
}

// Ends a reply that is cut on purpose, as its `ending` says.
Task<Result<void>> break_off(ClientConnection& client, const Reply& reply) {
  auto& connection = client.connection();
  if (reply.ending == Ending::kReset) {
    const bool stays = co_await client.wait(kBeforeReset);
    connection.reset();
    if (!stays) co_return client_left_error();
    co_return Result<void>{};
  }
  if (reply.ending == Ending::kStall) {
    const bool stays = co_await client.wait(reply.stall_limit);
    connection.close();
    if (!stays) co_return client_left_error();
    co_return Result<void>{};
  }
  if (!reply.has_length && reply.framing == Framing::kRight && client.version() == 11) {
    auto written = co_await write_raw(client, kOpenChunk);
    if (!written) co_return written;
  }
  connection.close();
  co_return Result<void>{};
}

// Writes a correct reply: the HTTP server's connection frames the body.
Task<Result<void>> deliver_steps(ClientConnection& client, const Reply& reply) {
  auto& connection = client.connection();
  if (reply.after_reply == AfterReply::kClose) connection.close_after_reply();
  std::optional<std::uint64_t> length;
  if (reply.has_length) length = declared_length(reply);
  connection.begin_reply(reply.status, reply.fields, length);
  const bool whole = reply.ending == Ending::kWhole;
  for (std::size_t i = 0; i < reply.steps.size(); ++i) {
    const Step& step = reply.steps[i];
    if (step.pause.count() > 0) {
      auto flushed = co_await connection.flush();
      if (!flushed) co_return flushed;
      const bool stays = co_await client.wait(step.pause);
      if (!stays) co_return client_left_error();
    }
    if (whole && i + 1 == reply.steps.size()) co_return co_await connection.end_reply(step.bytes);
    auto written = co_await connection.write(step.bytes);
    if (!written) co_return written;
  }
  if (whole) co_return co_await connection.end_reply();
  auto flushed = co_await connection.flush();
  if (!flushed) co_return flushed;
  if (reply.ending == Ending::kPings) co_return co_await ping_on(client, reply);
  co_return co_await break_off(client, reply);
}

// Returns the bytes of the whole reply, head and framing included.
std::string wire_text(const ClientConnection& client, const Reply& reply) {
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
  if (!client.keeps_alive()) http::append_field(wire, "connection", "close");
  wire += "\r\n";
  if (client.is_head_request()) return wire;
  const bool in_chunks = chunked || reply.framing == Framing::kLengthAndChunks;
  for (const Step& step : reply.steps) {
    if (in_chunks) fmt::format_to(std::back_inserter(wire), "{:x}\r\n", step.bytes.size());
    wire += step.bytes;
    if (in_chunks) wire += "\r\n";
  }
  if (in_chunks) wire += "0\r\n\r\n";
  return wire;
}

// Writes bytes past the HTTP server's writer: replies that no correct server would write, or
// correct ones cut into pieces.
Task<Result<void>> deliver_wire(ClientConnection& client, const Reply& reply) {
  const std::string wire = wire_text(client, reply);
  const std::size_t size = reply.slice == 0 ? wire.size() : reply.slice;
  for (std::size_t at = 0; at < wire.size(); at += size) {
    if (at > 0) {
      const bool stays = co_await client.wait(reply.interval);
      if (!stays) co_return client_left_error();
    }
    const std::string_view piece = std::string_view(wire).substr(at, size);
    auto written = co_await write_raw(client, piece);
    if (!written) co_return written;
  }
  if (reply.ending == Ending::kAbort) client.socket().close();
  const bool ends = reply.framing != Framing::kRight || !client.keeps_alive();
  if (ends || reply.ending != Ending::kWhole) client.connection().close();
  co_return Result<void>{};
}

}  // namespace

Task<Result<void>> deliver(ClientConnection& client, const Reply& reply) {
  if (reply.delay.count() > 0) {
    const bool stays = co_await client.wait(reply.delay);
    if (!stays) co_return client_left_error();
  }
  if (reply.sends_nothing) co_return co_await break_off(client, reply);
  if (reply.interim && client.version() == 11) {
    auto written = co_await write_raw(client, kInterim);
    if (!written) co_return written;
  }
  // An HTTP/1.0 client does not know chunks, so only a correct reply makes sense for it.
  const bool raw = reply.framing != Framing::kRight || (reply.slice > 0 && client.version() == 11);
  Result<void> sent;
  if (raw) {
    sent = co_await deliver_wire(client, reply);
  } else {
    sent = co_await deliver_steps(client, reply);
  }
  if (sent && reply.after_reply == AfterReply::kCloseSilently) client.connection().close();
  co_return sent;
}

}  // namespace ccproxy::mock
