// Calls functions in a runtime when the process receives SIGINT, SIGTERM or SIGHUP. It is the only
// file that knows signals.
#pragma once

#include <functional>
#include <memory>

#include "net/runtime.hpp"

namespace ccproxy::net {

class Signals {
 public:
  // Calls `on_end` for each SIGINT and SIGTERM until this is destroyed. SIGPIPE is ignored from now
  // on, so that writing to a connection or a log that nobody reads does not end the process.
  //
  // With `on_hangup`, SIGHUP calls that, as service managers expect. Where the process had a
  // terminal at the start and has none now, the user has closed its window, and SIGHUP calls
  // `on_end` (unless the process runs under `nohup`). Without `on_hangup`, SIGHUP keeps its default
  // effect.
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
