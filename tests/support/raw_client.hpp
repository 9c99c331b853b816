// A client that sends exactly the bytes a test wants and shows exactly what comes back. It blocks,
// and every wait has a limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ccproxy::test {

inline constexpr std::chrono::milliseconds kTimeout = std::chrono::seconds(15);

struct Reply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;       // without the framing of chunks
  bool complete = false;  // it ended as its framing says
  std::string raw;

  // Returns the first field of that name, in any case; "" when there is none.
  [[nodiscard]] std::string field(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
};

// A connection that was accepted. The RawClient that is constructed with it owns `fd`.
struct Accepted {
  int fd;
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, const std::string& ip = "127.0.0.1");
  explicit RawClient(const std::string& unix_path);
  explicit RawClient(Accepted accepted);
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  RawClient(RawClient&&) = delete;
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient();

  [[nodiscard]] bool connected() const { return fd_ >= 0; }
  // Returns false when the peer has closed the connection.
  bool send(std::string_view bytes);
  // Sends `piece` repeatedly until the peer has accepted nothing for `quiet`, or until `max_bytes`
  // are sent. Returns the number of bytes sent.
  [[nodiscard]] std::size_t send_until_stalled(std::string_view piece, std::size_t max_bytes,
                                               std::chrono::milliseconds quiet) const;
  void end_writing() const;
  void close();
  void reset();
  // Shrinks the receive buffer, so that a client that does not read soon blocks its server.
  void shrink_receive_buffer() const;

  // Waits until `text` has arrived. It stays there for the next read.
  [[nodiscard]] bool wait_for(std::string_view text, std::chrono::milliseconds limit = kTimeout);
  // Remove `size` bytes, or everything up to the end of `text`, from what arrived and return it; ""
  // when that does not arrive within `limit`.
  [[nodiscard]] std::string take(std::size_t size, std::chrono::milliseconds limit = kTimeout);
  [[nodiscard]] std::string take_through(std::string_view text,
                                         std::chrono::milliseconds limit = kTimeout);
  // Removes and returns what arrived, at least one byte; "" when the peer has closed the
  // connection.
  [[nodiscard]] std::string take_some(std::chrono::milliseconds limit = kTimeout);
  // Reads one whole reply. `to_head` is true when the request was a HEAD.
  [[nodiscard]] Reply read_reply(bool to_head = false, std::chrono::milliseconds limit = kTimeout);
  // Reads everything until the peer closes the connection or `limit` is over; `closed` gets which.
  [[nodiscard]] std::string read_all(bool* closed = nullptr,
                                     std::chrono::milliseconds limit = kTimeout);
  [[nodiscard]] const std::string& pending() const { return pending_; }
  // Waits until the peer has closed the connection; what it sends until then is discarded.
  [[nodiscard]] bool wait_closed(std::chrono::milliseconds limit = kTimeout);

 private:
  // Disables Nagle's algorithm, so that each small write is sent at once.
  void send_without_delay() const;
  [[nodiscard]] bool read_more(std::chrono::steady_clock::time_point give_up);

  int fd_ = -1;
  bool closed_ = false;
  std::string pending_;
};

// Returns the bytes of a request, with Host, Content-Length and `fields` ("name: value\r\n"...).
[[nodiscard]] std::string request(std::string_view method, std::string_view target,
                                  std::string_view body = {}, std::string_view fields = {});

// Sends one request on a new connection and reads its reply.
[[nodiscard]] Reply send_request(std::uint16_t port, std::string_view method,
                                 std::string_view target, std::string_view body = {},
                                 std::string_view fields = {});

}  // namespace ccproxy::test
