// SIGINT, SIGTERM and SIGHUP as calls in a runtime. Linux and macOS; the one place that names
// signals.
#pragma once

#include <functional>
#include <memory>

#include "net/runtime.hpp"

namespace ccproxy::net {

class Signals {
 public:
  // Calls `on_end` each time the process is asked to end, until this is destroyed. Writing to a
  // connection or a log that nobody reads no longer ends the process (SIGPIPE is ignored).
  //
  // With `on_hangup`, SIGHUP calls that, as a service manager expects it. Only where a terminal was
  // there at the start and is gone now does it end the process as before: somebody closed the
  // window. (`nohup` prevents that.) Without `on_hangup`, SIGHUP is left alone.
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
