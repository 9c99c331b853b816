// Lets one coroutine end what another waits for, whatever that is at the moment.
#pragma once

#include <functional>
#include <utility>

namespace ccproxy::net {

class Cancellation {
 public:
  // Ends what is under way, and what is begun later. Safe to call again.
  void cancel() {
    cancelled_ = true;
    if (auto end = std::exchange(end_, {})) end();
  }
  [[nodiscard]] bool cancelled() const { return cancelled_; }

  // Says how the operation that begins now is ended; an empty function when it is over. Called at
  // once when the cancellation came before.
  void arm(std::function<void()> end) {
    end_ = std::move(end);
    if (cancelled_ && end_) std::exchange(end_, {})();
  }
  void disarm() { end_ = {}; }

 private:
  bool cancelled_ = false;
  std::function<void()> end_;
};

}  // namespace ccproxy::net
