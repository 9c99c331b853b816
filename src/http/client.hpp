// Requests to one upstream. A Call is one request and its answer on whatever carries it: HTTP/1.1
// connections from a keep-alive pool now; an HTTP/2 stream fits the same shape. It refuses to know
// what is asked, and leaves it to its caller to send again: it only says whether that is safe.
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
  std::string authority;  // for Host: the port is left out where it is the scheme's own
};

struct ClientLimits {
  Clock::duration connect = std::chrono::seconds(10);
  Clock::duration tls = std::chrono::seconds(10);
  Clock::duration first_byte = std::chrono::seconds(600);
  Clock::duration idle = std::chrono::seconds(300);  // between bytes of the answer
  Clock::duration write_stall = std::chrono::seconds(60);
  Clock::duration keep_alive = std::chrono::seconds(75);  // idle in the pool
};

struct OutgoingRequest {
  std::string_view method;
  std::string_view target;
  std::span<const Field> fields;        // neither Host nor framing: those are the connection's
  std::optional<std::uint64_t> length;  // of the body; nothing: sent in pieces until the last
};

class Call {
 public:
  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  Call(Call&&) = delete;
  Call& operator=(Call&&) = delete;
  // A call that is not complete takes its connection down, and whoever still waits on it gets
  // kClosed; a complete one gives it back.
  virtual ~Call() = default;

  // Sends the head together with the first (perhaps only) bytes of the body; `last` when no more
  // follow. The views may die when it returns.
  [[nodiscard]] virtual Task<Result<void>> send(const OutgoingRequest& request,
                                                std::string_view body, bool last) = 0;
  [[nodiscard]] virtual Task<Result<void>> send_body(std::string_view piece, bool last) = 0;

  // The head of the answer; interim ones (1xx) are passed over. Fails with kUpstreamBroke,
  // kTimedOut (timeouts.firstByteSeconds) or kClosed.
  [[nodiscard]] virtual Task<Result<ResponseHead>> read_head() = 0;

  // Whatever has arrived of the body, without chunk framing; empty at its end. The view lives until
  // the next call. Fails with kUpstreamBroke, kTimedOut (timeouts.idleUpstreamSeconds) or kClosed.
  [[nodiscard]] virtual Task<Result<std::string_view>> read_body() = 0;
  // True when the body is complete, so that the piece in hand is the last.
  [[nodiscard]] virtual bool body_done() const = 0;
  // True when read_body() would return without waiting.
  [[nodiscard]] virtual bool body_ready() const = 0;
  [[nodiscard]] virtual std::optional<std::uint64_t> body_length() const = 0;

  // True when it went out on a connection that had carried others.
  [[nodiscard]] virtual bool reused() const = 0;
  // True when at least one byte of an answer came.
  [[nodiscard]] virtual bool answered() const = 0;

  // Ends it at once, from wherever it is; whoever waits gets kClosed.
  virtual void abort() = 0;
};

class Client {
 public:
  // `tls` is needed for an origin with TLS and must outlive the client, as the runtime must.
  Client(net::Runtime& runtime, Origin origin, net::TlsContext* tls, ClientLimits limits);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client(Client&&) = delete;
  Client& operator=(Client&&) = delete;
  ~Client();

  // A call on an idle connection when there is one that still looks alive and `fresh` does not
  // forbid it, else on a new one. Fails with kUpstreamUnreachable, kTimedOut, or kClosed when
  // `cancellation` (it may be null) ended it: nothing was sent.
  [[nodiscard]] Task<Result<std::shared_ptr<Call>>> open(bool fresh,
                                                         net::Cancellation* cancellation = nullptr);

  [[nodiscard]] const Origin& origin() const;
  // Closes the idle connections and keeps none from now on.
  void drain();

 private:
  class Pool;
  std::shared_ptr<Pool> pool_;
};

}  // namespace ccproxy::http
