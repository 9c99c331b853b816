// Lets one coroutine end the operation that another one waits for, whatever that operation is.
#pragma once

#include <functional>
#include <utility>

namespace ccproxy::net {

class Cancellation {
 public:
  // Ends the operation under way, and each one that begins later. It may be called again.
  void cancel() {
    cancelled_ = true;
    if (auto end = std::exchange(end_, {})) end();
  }
  [[nodiscard]] bool cancelled() const { return cancelled_; }

  // Sets the function that ends the operation which begins now. It is called at once when cancel()
  // was called before. Call disarm() when the operation is over.
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
