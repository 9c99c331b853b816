// A byte stream to a peer: a TCP or Unix socket, or TLS over one. It may have one reader and one
// writer at a time. Its owner must keep it until all operations have returned: call close() to end
// them, and wait. It refuses to know HTTP and who the peer is.
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

  // Reads at least one byte; 0 means that the peer has ended its side in order. `into` must stay
  // valid until it returns. Fails with kTimedOut when the deadline has expired, else with kClosed.
  [[nodiscard]] virtual Task<Result<std::size_t>> read_some(std::span<char> into) = 0;

  // Writes all of the pieces, in order, and in one write where possible. It waits for the event
  // loop only when the system's buffer is full. The pieces must stay valid until it returns. Fails
  // as read_some() does.
  [[nodiscard]] virtual Task<Result<void>> write(std::string_view first,
                                                 std::string_view second = {},
                                                 std::string_view third = {}) = 0;

  // Sets the deadline of the operations that run now and later, in place of the one before. When it
  // expires, the stream is closed.
  virtual void expires_after(Clock::duration duration) = 0;
  virtual void never_expires() = 0;

  // True while there is nothing to read and the peer has not closed: an idle connection may then
  // carry another request.
  [[nodiscard]] virtual bool is_idle() = 0;

  // True when the system knows that the peer has closed or reset the connection, even if there are
  // bytes left to read. For an owner that does not read at the moment.
  [[nodiscard]] virtual bool peer_has_closed() = 0;

  // The peer's address for the log, such as 127.0.0.1:40123, or "a Unix socket"; "" when unknown.
  [[nodiscard]] virtual std::string peer() { return {}; }

  // Tells the peer that nothing more will be written; reading goes on.
  virtual void end_writing() = 0;

  // Writes as many bytes as the system takes without waiting, and drops the rest. For a message
  // just before close(), when no write is under way.
  virtual void try_write(std::string_view bytes) = 0;

  // Closes the stream. Operations that wait fail with kClosed. It may be called again.
  virtual void close() = 0;
  // The same, but the peer sees a reset.
  virtual void reset() = 0;
};

}  // namespace ccproxy::net
