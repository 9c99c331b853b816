// A byte stream to a peer: a TCP or Unix socket, or TLS over one. One reader and one writer at a
// time. It refuses to know HTTP and who the peer is. Whoever owns one keeps it until its operations
// have returned: to end them, close() it and let them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "net/task.hpp"

namespace ccproxy::net {

class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  Stream(Stream&&) = delete;
  Stream& operator=(Stream&&) = delete;
  virtual ~Stream() = default;

  // Reads at least one byte; 0 means that the peer ended its side in order. Fails with kTimedOut
  // when the deadline ran out, else kClosed.
  [[nodiscard]] virtual Task<Result<std::size_t>> read_some(std::span<char> into) = 0;

  // Writes all of the pieces, in order, as one write where the system takes it: that is tried at
  // once, and waits for the event loop only when the system takes no more. The bytes belong to the
  // caller until it returns. Fails as read_some does.
  [[nodiscard]] virtual Task<Result<void>> write(std::string_view first,
                                                 std::string_view second = {},
                                                 std::string_view third = {}) = 0;

  // A deadline for what is running and whatever comes after, until it is moved. When it runs out
  // the stream is closed.
  virtual void expires_after(Clock::duration duration) = 0;
  virtual void never_expires() = 0;

  // True while the peer has sent nothing unasked and has not closed: fit to carry a new request.
  [[nodiscard]] virtual bool is_quiet() = 0;

  // True when the system knows that the peer has closed or reset, though there may be bytes left to
  // read: for whoever does not read at the moment.
  [[nodiscard]] virtual bool has_left() = 0;

  // Where the peer is, for the log: 127.0.0.1:40123, or "a Unix socket"; "" where nobody knows.
  [[nodiscard]] virtual std::string peer() { return {}; }

  // Tells the peer that nothing more will be written; reading goes on.
  virtual void end_writing() = 0;

  // Hands over what the system takes at once, without waiting; the rest is dropped. For last words,
  // when no write is under way.
  virtual void offer(std::string_view bytes) = 0;

  // Ends the stream; operations that wait fail with kClosed. Safe to call again.
  virtual void close() = 0;
  // The same, but the peer sees a reset.
  virtual void reset() = 0;
};

}  // namespace ccproxy::net
