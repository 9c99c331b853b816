// An upstream that the test controls byte by byte: it accepts when told to and sends what it is
// given. It does what the mock cannot: wait for the client before it sends the next byte, send no
// response at all, accept no more connections.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/proxy_fixture.hpp"
#include "support/raw_client.hpp"

namespace ccproxy::test {

class RawUpstream {
 public:
  RawUpstream();
  RawUpstream(const RawUpstream&) = delete;
  RawUpstream& operator=(const RawUpstream&) = delete;
  RawUpstream(RawUpstream&&) = delete;
  RawUpstream& operator=(RawUpstream&&) = delete;
  ~RawUpstream();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // Returns the next connection; nullptr when none comes within the limit.
  [[nodiscard]] std::unique_ptr<RawClient> accept(std::chrono::milliseconds limit = kTimeout) const;

  // Fills the accept queue, so that further connection attempts hang.
  void fill_up();

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::vector<int> filling_;
};

// The head of an upstream's event stream, and one chunk of its body.
inline constexpr const char* kEventStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
[[nodiscard]] std::string chunked(std::string_view bytes);

// The events of the shortest message, and a ping.
inline constexpr const char* kMessageStart =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";
inline constexpr const char* kMessageStop =
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
inline constexpr const char* kPing = "event: ping\ndata: {\"type\":\"ping\"}\n\n";

// Posts a message on `client` and returns the upstream's side of its connection, which has received
// the whole body; nullptr when it does not come.
[[nodiscard]] std::unique_ptr<RawClient> start_message(RawClient& client,
                                                       const RawUpstream& upstream,
                                                       std::string_view body = kStreamedBody);
// Returns the upstream's side of the next request to /v1/messages, received as a whole; nullptr
// when none comes. Other requests get 404.
[[nodiscard]] std::unique_ptr<RawClient> next_message(const RawUpstream& upstream);

}  // namespace ccproxy::test
