// The configuration in use, which a running server may replace. A request takes a snapshot when it
// begins and uses it to its end.
#pragma once

#include <mutex>
#include <utility>

#include "config/config.hpp"

namespace ccproxy::config {

// Safe from every thread.
class Live {
 public:
  explicit Live(Snapshot first) : snapshot_(std::move(first)) {}

  [[nodiscard]] Snapshot get() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
  }
  void set(Snapshot next) {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(next);
  }

 private:
  mutable std::mutex mutex_;
  Snapshot snapshot_;
};

}  // namespace ccproxy::config
