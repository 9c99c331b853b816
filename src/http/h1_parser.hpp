// HTTP/1.1 messages, read from bytes that arrive in pieces: Boost.Beast's parser for the syntax,
// h1_rules for the meaning. Of bodies only chunked ones pass through Beast. It refuses to know
// sockets and what a message is for.
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

// Reads one message after another: read_head() until it has one, then read_body() until done().
// Errors are kInvalidRequest or kHeadTooLarge for requests, kUpstreamBroke for answers; after one
// the connection is of no more use.
class H1Parser {
 public:
  explicit H1Parser(std::size_t head_limit);
  ~H1Parser();
  H1Parser(const H1Parser&) = delete;
  H1Parser& operator=(const H1Parser&) = delete;
  H1Parser(H1Parser&&) = delete;
  H1Parser& operator=(H1Parser&&) = delete;

  // Takes a whole head from the front of `input`; nothing while it is not there yet.
  [[nodiscard]] Result<std::optional<RequestHead>> read_request(Buffer& input);
  [[nodiscard]] Result<std::optional<ResponseHead>> read_response(Buffer& input, bool to_head);

  // The path of the request that read_request() has refused; "" where it cannot be told.
  [[nodiscard]] const std::string& refused_path() const { return refused_path_; }

  // Takes body bytes from the front of `input` and appends them, without chunk framing, to `out`.
  // Takes nothing once the body is complete: what follows belongs to the next message.
  [[nodiscard]] Result<void> read_body(Buffer& input, Buffer& out);

  // The peer ended the stream. Fails unless that is how this body ends.
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
