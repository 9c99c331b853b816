// The HTTP/1.1 connection of one client, from the server's side: it returns requests in order and
// sends a reply to each. While a reply is sent it reads a little ahead, so that it notices at once
// when the client leaves. It refuses to know routes and what a body means.
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
  Clock::duration request_head = std::chrono::seconds(15);  // from the first byte to the last
  Clock::duration body_stall = std::chrono::seconds(60);    // between bytes of a request's body
  Clock::duration write_stall = std::chrono::seconds(60);
  Clock::duration keep_alive = std::chrono::seconds(75);  // idle between requests
};

class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  // `common_fields` are lines as append_field() makes them, for the head of each reply; they must
  // outlive the connection.
  ServerConnection(net::Runtime& runtime, std::unique_ptr<net::Stream> stream, ServerLimits limits,
                   std::string_view common_fields = {});
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;
  ServerConnection(ServerConnection&&) = delete;
  ServerConnection& operator=(ServerConnection&&) = delete;
  ~ServerConnection();

  // Starts reading. Call it once, when a shared_ptr owns the connection.
  void start();

  // Waits for the head of the next request. Fails with kClosed when the client has closed the
  // connection or was idle too long, or when the connection cannot carry another request. After
  // kInvalidRequest, kHeadTooLarge or kClientStalled the caller should send a reply, which is the
  // last one on this connection.
  [[nodiscard]] Task<Result<RequestHead>> read_request();

  // The path of a request that read_request() has refused; "" where that is unknown.
  [[nodiscard]] const std::string& refused_path() const { return refused_path_; }

  // Waits for the next piece of the request's body, without chunk framing; empty at its end. The
  // view is valid until the next call. Sends "100 Continue" first where the client waits for that.
  // Fails with kInvalidRequest, kClientStalled or kClientGone.
  [[nodiscard]] Task<Result<std::string_view>> read_body();
  // The size of the body, where the client has sent it.
  [[nodiscard]] std::optional<std::uint64_t> body_length() const;
  [[nodiscard]] bool has_body() const { return parser_.framing().kind != BodyKind::kNone; }
  [[nodiscard]] bool body_done() const { return parser_.done(); }

  // Sends a whole reply. `fields` are lines as append_field() writes them, without framing fields.
  // Fails as write() does.
  [[nodiscard]] Task<Result<void>> send_reply(int status, std::string_view fields,
                                              std::string_view body);

  // Sends a reply in pieces: call begin_reply(), then write() and flush() any number of times, then
  // end_reply(). Without a `length` the body is chunked, or ends with the connection for an
  // HTTP/1.0 client. The head is sent with the first bytes of the body or by flush(). Pieces are
  // not copied. All fail with kClientGone, or with kClientStalled when the client does not read.
  void begin_reply(int status, std::string_view fields, std::optional<std::uint64_t> length);
  [[nodiscard]] Task<Result<void>> flush();
  [[nodiscard]] Task<Result<void>> write(std::string_view piece);
  // Sends `last`, which may be empty, and completes the reply in the same write.
  [[nodiscard]] Task<Result<void>> end_reply(std::string_view last = {});

  [[nodiscard]] bool reply_begun() const { return reply_begun_; }
  // True while nothing of the reply was sent, so that another one can replace it.
  [[nodiscard]] bool reply_unsent() const { return !head_sent_; }
  void discard_reply();

  // Sets the function that is called once when the client leaves, or at once when it has left. It
  // is not called when this side closes the connection. Pass an empty function to clear it.
  void on_gone(std::function<void()> call);
  [[nodiscard]] bool gone() const { return client_gone_; }

  // Closes an idle connection now, and any other one after its reply, where the head of that has
  // "connection: close". Where it has not, the client may send one more request within a second.
  void drain();
  // Closes the connection after the next reply that begins, even if the client wants to keep it.
  void close_after_reply() { close_after_reply_ = true; }
  // Closes the connection in the middle of a reply, so that the client sees that it is incomplete.
  void cut_reply();
  // Closes the connection at once.
  void close();
  // The same, but the client sees a reset.
  void reset();

  // Closes the connection after it has read and dropped what the client sends for up to two
  // seconds. After a reply to a request that the client still sends, it lets the client see that
  // reply instead of a reset.
  [[nodiscard]] Task<void> linger();

  [[nodiscard]] net::Stream& stream() { return *stream_; }

 private:
  [[nodiscard]] static Task<void> pump(std::shared_ptr<ServerConnection> self);
  [[nodiscard]] static Task<void> read_ahead(std::shared_ptr<ServerConnection> self);
  void note_end(ErrorKind reason);
  [[nodiscard]] Task<Result<void>> wait_for_input(Clock::duration limit);
  [[nodiscard]] bool take_arrived();
  [[nodiscard]] Task<Result<void>> send(std::string_view first, std::string_view second = {},
                                        std::string_view third = {});
  [[nodiscard]] Task<Result<void>> send_piece(std::string_view piece, bool last);
  void refuse_request(std::string path);
  void release_buffers();

  net::Runtime& runtime_;
  std::unique_ptr<net::Stream> stream_;
  ServerLimits limits_;
  std::string_view common_fields_;
  H1Parser parser_;

  // There are two input buffers, so that views into one stay valid while the other is filled.
  Buffer arrived_;  // filled by pump()
  Buffer input_;    // read by the parser
  Buffer body_;     // the piece that read_body() has returned
  net::Event changed_, drained_;
  // Ends a wait for input without closing the stream, so that a slow client still gets a 408. The
  // stream's own deadline is for writes alone, since pump() reads all the time.
  net::Deadline input_deadline_;
  // While the buffer for reading ahead is full, the system is polled for a client that has left.
  net::Deadline peer_poll_;
  bool input_timed_out_ = false;
  bool client_gone_ = false;  // the client has closed the connection, or it broke
  std::function<void()> on_gone_;

  enum class Phase { kIdle, kRequest, kClosed };
  Phase phase_ = Phase::kIdle;
  bool draining_ = false;
  bool was_drained_idle_ = false;  // drain() was called while the connection was idle
  bool expects_continue_ = false;
  bool is_head_request_ = false;
  bool client_keeps_alive_ = true;
  int version_ = 11;
  bool close_after_reply_ = false;  // the head of the reply has "connection: close"
  bool request_failed_ = false;     // the bytes that follow cannot be parsed any more

  std::string refused_path_;
  std::string head_;  // of the reply, until it is sent; later the line of the next chunk
  BodyKind reply_kind_ = BodyKind::kNone;
  std::uint64_t reply_left_ = 0;  // of a kLength body
  bool reply_begun_ = false;
  bool head_sent_ = false;
};

}  // namespace ccproxy::http
