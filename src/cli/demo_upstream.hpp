// The simulated Claude API on a thread of its own, as the upstream of `ccproxy start --demo`.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"

namespace ccproxy::cli {

class DemoUpstream {
 public:
  DemoUpstream();
  // Stops the server and waits for its thread.
  ~DemoUpstream();
  DemoUpstream(const DemoUpstream&) = delete;
  DemoUpstream& operator=(const DemoUpstream&) = delete;
  DemoUpstream(DemoUpstream&&) = delete;
  DemoUpstream& operator=(DemoUpstream&&) = delete;

  // Starts the server on a free loopback port; returns its address, such as http://127.0.0.1:40000.
  [[nodiscard]] Result<std::string> listen();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccproxy::cli
