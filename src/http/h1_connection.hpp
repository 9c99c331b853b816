// One HTTP/1.1 connection to an upstream, from the client's side: one request at a time, its
// answer read as it arrives. It refuses to know the pool that keeps it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/buffer.hpp"
#include "http/client.hpp"
#include "http/h1_parser.hpp"

namespace ccproxy::http {

// Owned by a shared_ptr: an operation that is under way keeps it, so that whoever drops it need
// only close() it.
class H1Connection : public std::enable_shared_from_this<H1Connection> {
 public:
  H1Connection(std::unique_ptr<net::Stream> stream, std::string authority, ClientLimits limits);

  // Head and body leave together, in writes of up to 256 KiB of body.
  [[nodiscard]] Task<Result<void>> send(const OutgoingRequest& request, std::string_view body,
                                        bool last);
  [[nodiscard]] Task<Result<void>> send_body(std::string_view piece, bool last);
  [[nodiscard]] Task<Result<ResponseHead>> read_head();
  // What arrives is parsed at once, so the end of the body is known together with its last piece.
  [[nodiscard]] Task<Result<std::string_view>> read_body();

  [[nodiscard]] const Framing& framing() const { return parser_.framing(); }
  [[nodiscard]] bool body_done() const { return parser_.done() && !has_unread(); }
  [[nodiscard]] bool body_ready() const { return parser_.done() || has_unread() || broken_; }
  [[nodiscard]] bool answered() const { return answered_; }
  // True when request and answer are complete and the connection may carry another.
  [[nodiscard]] bool reusable() const;
  // Makes it ready for the pool: gives buffers back.
  void rest();
  // True while it is fit to leave the pool: the peer has neither closed nor said something.
  [[nodiscard]] bool is_quiet() const { return stream_->is_quiet(); }
  void close() { stream_->close(); }

 private:
  [[nodiscard]] Task<Result<std::size_t>> fill(Clock::duration limit);
  void take_body();
  [[nodiscard]] bool has_unread() const { return !body_shown_ && !body_.empty(); }

  std::unique_ptr<net::Stream> stream_;
  std::string authority_;
  ClientLimits limits_;
  H1Parser parser_;
  Buffer input_;
  Buffer body_;  // arrived and parsed; all there is of it
  bool body_shown_ = false;
  std::optional<Error> broken_;  // what followed body_ breaks HTTP
  std::size_t want_;             // the size of the next read
  std::string front_;            // head or chunk line on its way out
  bool to_head_ = false;
  bool chunked_ = false;
  bool sent_ = false;
  bool answered_ = false;
  bool keeps_alive_ = false;
};

}  // namespace ccproxy::http
