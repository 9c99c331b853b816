// One client's HTTP/1.1 connection, from the server's side: requests come out in order, replies go
// in. While a reply is under way it goes on reading a little ahead, so that a client that leaves is
// noticed at once. It refuses to know routes and what a body means.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/h1_parser.hpp"
#include "http/head.hpp"
#include "net/runtime.hpp"
#include "net/stream.hpp"

namespace ccproxy::http {

struct ServerLimits {
  std::size_t head_bytes = 65'536;
  Clock::duration request_head = std::chrono::seconds(15);  // from its first byte to its last
  Clock::duration body_stall = std::chrono::seconds(60);
  Clock::duration write_stall = std::chrono::seconds(60);
  Clock::duration keep_alive = std::chrono::seconds(75);  // idle between requests
};

class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  // `every_reply` are lines as append_field() makes them, for the head of each reply; they must
  // outlive the connection.
  ServerConnection(net::Runtime& runtime, std::unique_ptr<net::Stream> stream, ServerLimits limits,
                   std::string_view every_reply = {});
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;
  ServerConnection(ServerConnection&&) = delete;
  ServerConnection& operator=(ServerConnection&&) = delete;
  ~ServerConnection();

  // Starts reading. Call once, when a shared_ptr owns it.
  void start();

  // The next request's head. Fails with kClosed when the client is done, idle too long, or the
  // connection cannot carry another; kInvalidRequest, kHeadTooLarge or kClientStalled deserve a
  // reply (answer() works then) and end the connection.
  [[nodiscard]] Task<Result<RequestHead>> read_request();

  // The path of a request that read_request() has refused; "" where it cannot be told.
  [[nodiscard]] const std::string& refused_path() const { return refused_path_; }

  // The next piece of the request's body, without chunk framing; empty at its end. The view lives
  // until the next call. Sends "100 Continue" first where the client waits for it. Fails with
  // kInvalidRequest, kClientStalled or kClientGone.
  [[nodiscard]] Task<Result<std::string_view>> read_body();
  // The body's size, when the client said it.
  [[nodiscard]] std::optional<std::uint64_t> body_length() const;
  [[nodiscard]] bool has_body() const { return parser_.framing().kind != BodyKind::kNone; }
  [[nodiscard]] bool body_done() const { return parser_.done(); }

  // A whole reply. `fields` are lines as append_field() makes them, without framing fields.
  [[nodiscard]] Task<Result<void>> answer(int status, std::string_view fields,
                                          std::string_view body);

  // A reply in pieces: begin, write or flush as often as wanted, end. Without a `length` the body
  // is chunked, or ends with the connection for an HTTP/1.0 client. The head leaves with the first
  // bytes of the body or with flush(). A chunk's line, the piece and the line's end leave as one
  // gathered write: the piece is not copied. All fail with kClientGone, or kClientStalled for a
  // client that does not take its bytes.
  void begin_reply(int status, std::string_view fields, std::optional<std::uint64_t> length);
  [[nodiscard]] Task<Result<void>> flush();
  [[nodiscard]] Task<Result<void>> write(std::string_view piece);
  // Writes `last`, if any, and completes the reply in the same write.
  [[nodiscard]] Task<Result<void>> end_reply(std::string_view last = {});

  [[nodiscard]] bool reply_begun() const { return reply_begun_; }
  // True while nothing of the reply has left: it can still be replaced by another.
  [[nodiscard]] bool reply_unsent() const { return !head_sent_; }
  void discard_reply();

  // Called once, as soon as it is seen that the client has left: at once when it has. Not called
  // for an end that this side made. Cleared by an empty function.
  void on_gone(std::function<void()> call);
  [[nodiscard]] bool gone() const { return ended_; }

  // An idle connection closes now. Any other does so after its reply, where the reply's head says
  // so; else it takes one more request, if that comes within a second: the client was promised it.
  void drain();
  // The connection ends after the next reply to begin, whatever the client wished.
  void close_after_reply() { close_after_reply_ = true; }
  // Ends the connection in the middle of a reply, so that the client sees that it is not whole.
  void cut_reply();
  // Ends it at once.
  void close();
  void reset();

  // After an early answer the client may still be sending: read and drop that for two seconds, so
  // that it gets to see the answer instead of a reset. Then closes.
  [[nodiscard]] Task<void> linger();

  [[nodiscard]] net::Stream& stream() { return *stream_; }

 private:
  [[nodiscard]] static Task<void> pump(std::shared_ptr<ServerConnection> self);
  [[nodiscard]] static Task<void> read_ahead(std::shared_ptr<ServerConnection> self);
  void note_end(ErrorKind why);
  [[nodiscard]] Task<Result<void>> more(Clock::duration limit);
  [[nodiscard]] bool take_arrived();
  [[nodiscard]] Task<Result<void>> send(std::string_view first, std::string_view second = {},
                                        std::string_view third = {});
  [[nodiscard]] Task<Result<void>> send_piece(std::string_view piece, bool last);
  void refuse_request(std::string path);
  void give_memory_back();

  net::Runtime& runtime_;
  std::unique_ptr<net::Stream> stream_;
  ServerLimits limits_;
  std::string_view every_reply_;
  H1Parser parser_;

  // Two buffers, so that views into one stay valid while the other fills.
  Buffer arrived_;  // filled by pump()
  Buffer input_;    // taken by the parser
  Buffer body_;     // what read_body() showed last
  net::Event changed_, drained_;
  // Only wakes whoever waits for input, so that a client that is too slow still gets its 408. The
  // stream's deadline closes the stream, and is for writes: the pump's read outlasts every phase.
  net::Deadline patience_;
  // When nobody takes what was read ahead, the system is asked at times whether the client left.
  net::Deadline look_;
  bool out_of_patience_ = false;
  bool ended_ = false;  // the client closed, or the connection broke
  std::function<void()> on_gone_;

  enum class Phase { kIdle, kRequest, kClosed };
  Phase phase_ = Phase::kIdle;
  bool draining_ = false;
  bool ends_now_ = false;  // it drains and was idle
  bool expects_continue_ = false;
  bool is_head_ = false;
  bool client_keeps_alive_ = true;
  int version_ = 11;
  bool close_after_reply_ = false;  // since the reply began: its head says so
  bool request_failed_ = false;     // the bytes that follow cannot be trusted

  std::string refused_path_;
  std::string head_;  // of the reply, until it is sent
  BodyKind reply_kind_ = BodyKind::kNone;
  std::uint64_t reply_left_ = 0;  // of a kLength body
  bool reply_begun_ = false;
  bool head_sent_ = false;
};

}  // namespace ccproxy::http
