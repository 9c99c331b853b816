// An upstream whose every byte and moment is the test's: it accepts when told to and says what it
// is given. For what the mock cannot do: to wait for the client before the next byte, to answer
// nothing at all, to be full.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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

  // The next connection, or nullptr when none comes within the limit.
  [[nodiscard]] std::unique_ptr<RawClient> accept(std::chrono::milliseconds limit = kTimeout) const;

  // Takes so many connections that the system answers no further one: connecting hangs from here.
  void fill_up();

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::vector<int> filling_;
};

}  // namespace ccproxy::test
