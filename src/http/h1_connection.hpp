// An HTTP/1.1 connection to an upstream, from the client's side. It carries one request at a time,
// and its response is read as it arrives. It refuses to know the pool that owns it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/buffer.hpp"
#include "http/client.hpp"
#include "http/h1_parser.hpp"

namespace ccproxy::http {

// Owned by a shared_ptr: an operation under way shares it, so that an owner may close() and drop it
// at any time.
class H1Connection : public std::enable_shared_from_this<H1Connection> {
 public:
  H1Connection(std::unique_ptr<net::Stream> stream, std::string authority, ClientLimits limits);

  // Sends head and body together, in writes of up to 256 KiB of the body.
  [[nodiscard]] Task<Result<void>> send(const OutgoingRequest& request, std::string_view body,
                                        bool last);
  [[nodiscard]] Task<Result<void>> send_body(std::string_view piece, bool last);
  [[nodiscard]] Task<Result<ResponseHead>> read_head();
  // Bytes are parsed as they arrive, so the end of the body is known together with its last piece.
  [[nodiscard]] Task<Result<std::string_view>> read_body();

  [[nodiscard]] const Framing& framing() const { return parser_.framing(); }
  [[nodiscard]] bool body_done() const { return parser_.done() && !has_unread(); }
  [[nodiscard]] bool body_ready() const { return parser_.done() || has_unread() || broken_; }
  [[nodiscard]] bool response_begun() const { return response_begun_; }
  // True when request and response are complete and the connection may carry another request.
  [[nodiscard]] bool reusable() const;
  // Frees the buffers while the connection is in the pool.
  void release_buffers();
  // True while the peer has neither closed the connection nor sent anything.
  [[nodiscard]] bool is_idle() const { return stream_->is_idle(); }
  void close() { stream_->close(); }

 private:
  [[nodiscard]] Task<Result<std::size_t>> fill(Clock::duration limit);
  void take_body();
  [[nodiscard]] bool has_unread() const { return !body_returned_ && !body_.empty(); }

  std::unique_ptr<net::Stream> stream_;
  std::string authority_;
  ClientLimits limits_;
  H1Parser parser_;
  Buffer input_;
  Buffer body_;                   // the part of the body that has arrived, without chunk framing
  bool body_returned_ = false;    // read_body() has returned a view of body_
  std::optional<Error> broken_;   // the bytes behind body_ are not valid HTTP
  std::size_t read_size_;         // of the next read
  std::string front_;             // the head or chunk line that is sent before the next piece
  bool is_head_request_ = false;  // its response has no body
  bool chunked_ = false;
  bool sent_ = false;
  bool response_begun_ = false;
  bool keeps_alive_ = false;
};

}  // namespace ccproxy::http
