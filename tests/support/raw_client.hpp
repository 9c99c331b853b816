// A client that sends exactly the bytes a test wants and shows exactly what came back. Blocking,
// with a limit on every wait.
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
  std::string body;       // without chunk framing
  bool complete = false;  // its own framing said that it ended
  std::string raw;

  // The first field of that name (any case); "" when there is none.
  [[nodiscard]] std::string field(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
};

// A connection that somebody else made: RawClient owns it from then on.
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
  // False when the peer has closed.
  bool send(std::string_view bytes);
  // Sends `piece` again and again until the peer has taken nothing for `quiet`, or `most` bytes;
  // how many it took.
  [[nodiscard]] std::size_t send_until_stalled(std::string_view piece, std::size_t most,
                                               std::chrono::milliseconds quiet) const;
  void end_writing() const;
  void close();
  void reset();
  // A small receive buffer, so that a client that does not read soon stalls its server.
  void shrink_receive_buffer() const;

  // Waits until `text` has come; what came so far stays for the next read.
  [[nodiscard]] bool wait_for(std::string_view text, std::chrono::milliseconds limit = kTimeout);
  // Takes `size` bytes, or everything to the end of `text`, away from what came, once it is there;
  // "" when it does not come.
  [[nodiscard]] std::string take(std::size_t size, std::chrono::milliseconds limit = kTimeout);
  [[nodiscard]] std::string take_through(std::string_view text,
                                         std::chrono::milliseconds limit = kTimeout);
  // Takes what came, at least a byte; "" when the peer has closed.
  [[nodiscard]] std::string take_some(std::chrono::milliseconds limit = kTimeout);
  // One whole reply. `to_head` when the request was a HEAD.
  [[nodiscard]] Reply read_reply(bool to_head = false, std::chrono::milliseconds limit = kTimeout);
  // Everything until the peer closes or the limit is over; `closed` says which.
  [[nodiscard]] std::string read_all(bool* closed = nullptr,
                                     std::chrono::milliseconds limit = kTimeout);
  [[nodiscard]] const std::string& pending() const { return pending_; }
  // Waits until the peer is gone, whatever it still sends.
  [[nodiscard]] bool wait_closed(std::chrono::milliseconds limit = kTimeout);

 private:
  // Small writes leave at once, each by itself.
  void send_without_delay() const;
  [[nodiscard]] bool read_more(std::chrono::steady_clock::time_point give_up);

  int fd_ = -1;
  bool closed_ = false;
  std::string pending_;
};

// Bytes of a request: Host, Content-Length and `fields` ("name: value\r\n"...) are put in.
[[nodiscard]] std::string request(std::string_view method, std::string_view target,
                                  std::string_view body = {}, std::string_view fields = {});

// Sends one request on a connection of its own.
[[nodiscard]] Reply ask(std::uint16_t port, std::string_view method, std::string_view target,
                        std::string_view body = {}, std::string_view fields = {});

}  // namespace ccproxy::test
