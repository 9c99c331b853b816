// Reads HTTP/1.1 messages from bytes that arrive in pieces: Boost.Beast's parser checks the syntax,
// http/h1_rules the meaning. Only chunked bodies pass through Beast. It refuses to know sockets and
// what a message is for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/h1_rules.hpp"
#include "http/head.hpp"

namespace ccproxy::http {

// Reads one message after another: call read_request() or read_response() until it returns a head,
// then read_body() until done(). Requests fail with kInvalidRequest or kHeadTooLarge, responses
// with kUpstreamBroke. After an error the connection cannot be used any more.
class H1Parser {
 public:
  explicit H1Parser(std::size_t head_limit);
  ~H1Parser();
  H1Parser(const H1Parser&) = delete;
  H1Parser& operator=(const H1Parser&) = delete;
  H1Parser(H1Parser&&) = delete;
  H1Parser& operator=(H1Parser&&) = delete;

  // Takes a whole head from the front of `input`; returns nothing until all of it has arrived.
  // `is_head_request` says that the response has no body because the request's method was HEAD.
  [[nodiscard]] Result<std::optional<RequestHead>> read_request(Buffer& input);
  [[nodiscard]] Result<std::optional<ResponseHead>> read_response(Buffer& input,
                                                                  bool is_head_request);

  // The path of the request that read_request() has refused; "" where that is unknown.
  [[nodiscard]] const std::string& refused_path() const { return refused_path_; }

  // Moves bytes of the body from the front of `input` to the end of `out`, without chunk framing.
  // It moves none when the body is complete, since the next bytes belong to the next message.
  [[nodiscard]] Result<void> read_body(Buffer& input, Buffer& out);

  // Call it when the peer has ended the stream. Fails unless the body ends in that way.
  [[nodiscard]] Result<void> end_of_stream();

  // True when the message is complete.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] const Framing& framing() const { return framing_; }

 private:
  struct Chunks;
  template <class SomeHead>
  Result<bool> take_head(Buffer& input, SomeHead& head);
  Result<void> begin_body(const Result<Framing>& framing);
  Result<void> read_chunks(Buffer& input, Buffer& out);

  std::size_t head_limit_;
  HeadScan scan_;
  Framing framing_;
  std::uint64_t left_ = 0;  // of a kLength body
  bool done_ = true;
  std::string refused_path_;
  std::unique_ptr<Chunks> chunks_;
};

}  // namespace ccproxy::http
