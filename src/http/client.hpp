// Sends requests to one upstream. A Call is one request and its response, on an HTTP/1.1 connection
// from a keep-alive pool; an HTTP/2 stream would fit the same interface. It refuses to know what is
// requested, and never sends anything again: it only reports whether its caller may.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/head.hpp"
#include "net/cancellation.hpp"
#include "net/dial.hpp"
#include "net/runtime.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

namespace ccproxy::http {

struct Origin {
  bool tls = true;
  std::string host;
  std::uint16_t port = 443;
  std::string authority;  // the value of Host: without the port where that is the scheme's default
};

struct ClientLimits {
  Clock::duration connect = std::chrono::seconds(10);
  Clock::duration tls = std::chrono::seconds(10);
  Clock::duration first_byte = std::chrono::seconds(600);
  Clock::duration idle = std::chrono::seconds(300);  // between bytes of the response
  Clock::duration write_stall = std::chrono::seconds(60);
  Clock::duration keep_alive = std::chrono::seconds(75);  // for idle connections of the pool
};

struct OutgoingRequest {
  std::string_view method;
  std::string_view target;
  std::span<const Field> fields;        // without Host and framing, which the connection adds
  std::optional<std::uint64_t> length;  // of the body; nothing for a body of unknown length
};

class Call {
 public:
  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  Call(Call&&) = delete;
  Call& operator=(Call&&) = delete;
  // A complete call returns its connection to the pool. Any other closes it, and an operation that
  // still waits fails with kClosed.
  virtual ~Call() = default;

  // Sends the head together with the first bytes of the body. `last` says that no more bytes
  // follow. `request` and `body` must stay valid until it returns.
  [[nodiscard]] virtual Task<Result<void>> send(const OutgoingRequest& request,
                                                std::string_view body, bool last) = 0;
  [[nodiscard]] virtual Task<Result<void>> send_body(std::string_view piece, bool last) = 0;

  // Reads the head of the response. Interim responses (1xx) are skipped. Fails with kUpstreamBroke,
  // kTimedOut (timeouts.firstByteSeconds) or kClosed.
  [[nodiscard]] virtual Task<Result<ResponseHead>> read_head() = 0;

  // Waits for the next bytes of the body and returns all that have arrived, without chunk framing;
  // empty at the end of the body. The view is valid until the next call. Fails with kUpstreamBroke,
  // kTimedOut (timeouts.idleUpstreamSeconds) or kClosed.
  [[nodiscard]] virtual Task<Result<std::string_view>> read_body() = 0;
  // True when the last piece of the body has been read.
  [[nodiscard]] virtual bool body_done() const = 0;
  // True when read_body() would return without waiting.
  [[nodiscard]] virtual bool body_ready() const = 0;
  // The size of the body, where the head of the response says it.
  [[nodiscard]] virtual std::optional<std::uint64_t> body_length() const = 0;

  // True when the connection has carried other requests before this one.
  [[nodiscard]] virtual bool reused() const = 0;
  // True when at least one byte of a response has arrived.
  [[nodiscard]] virtual bool response_begun() const = 0;

  // Closes the connection at once. An operation that waits fails with kClosed.
  virtual void abort() = 0;
};

class Client {
 public:
  // `tls` may be null for an origin without TLS. It must outlive the client, as must `runtime`.
  Client(net::Runtime& runtime, Origin origin, net::TlsContext* tls, ClientLimits limits);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client(Client&&) = delete;
  Client& operator=(Client&&) = delete;
  ~Client();

  // Opens a call on an idle connection that still seems alive, unless `fresh` forbids that, else on
  // a new one. `cancellation` may be null. Fails with kUpstreamUnreachable, kTimedOut, or kClosed
  // when it is cancelled: in all cases nothing was sent.
  [[nodiscard]] Task<Result<std::shared_ptr<Call>>> open(bool fresh,
                                                         net::Cancellation* cancellation = nullptr);

  [[nodiscard]] const Origin& origin() const;
  // Closes the idle connections, and from now on those of calls that end.
  void drain();

 private:
  class Pool;
  std::shared_ptr<Pool> pool_;
};

}  // namespace ccproxy::http
