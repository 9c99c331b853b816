// SIGINT, SIGTERM and SIGHUP as calls in a runtime. Linux and macOS; the one place that names
// signals.
#pragma once

#include <functional>
#include <memory>

#include "net/runtime.hpp"

namespace ccproxy::net {

class Signals {
 public:
  // Calls `on_end` each time the process is asked to end, until this is destroyed, and `on_hangup`
  // for SIGHUP; without one, SIGHUP does what it does to every process. Writing to a
  // connection or a log that nobody reads no longer ends the process (SIGPIPE is ignored).
  Signals(Runtime& runtime, std::function<void()> on_end, std::function<void()> on_hangup = {});
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  Signals(Signals&&) = delete;
  Signals& operator=(Signals&&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccproxy::net
