// One HTTP/1.1 connection to an upstream, from the client's side: one request at a time, its
// answer read as it arrives. It refuses to know the pool that keeps it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/buffer.hpp"
#include "http/client.hpp"
#include "http/h1_parser.hpp"

namespace ccproxy::http {

class H1Connection {
 public:
  H1Connection(std::unique_ptr<net::Stream> stream, std::string authority, ClientLimits limits);

  [[nodiscard]] Task<Result<void>> send(const OutgoingRequest& request, std::string_view body,
                                        bool last);
  [[nodiscard]] Task<Result<void>> send_body(std::string_view piece, bool last);
  [[nodiscard]] Task<Result<ResponseHead>> read_head();
  [[nodiscard]] Task<Result<std::string_view>> read_body();

  [[nodiscard]] const H1Parser& parser() const { return parser_; }
  [[nodiscard]] bool body_ready() const { return !input_.empty() || parser_.done(); }
  [[nodiscard]] bool answered() const { return answered_; }
  // True when request and answer are complete and the connection may carry another.
  [[nodiscard]] bool reusable() const;
  // Makes it ready for the pool: gives buffers back, closes itself after `idle`.
  void rest(Clock::duration idle);
  // Takes it out of the pool again; false when the peer has closed or said something meanwhile.
  [[nodiscard]] bool wake();
  void close() { stream_->close(); }

 private:
  [[nodiscard]] Task<Result<std::size_t>> fill(Clock::duration limit, std::string_view limit_name);

  std::unique_ptr<net::Stream> stream_;
  std::string authority_;
  ClientLimits limits_;
  H1Parser parser_;
  Buffer input_, body_;
  std::string front_;  // head or chunk line on its way out
  bool to_head_ = false;
  bool chunked_ = false;
  bool sent_ = false;
  bool answered_ = false;
  bool keeps_alive_ = false;
};

}  // namespace ccproxy::http
