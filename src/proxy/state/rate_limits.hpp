// The provider's limits, as its answers tell them in passing: what `ccproxy status` and /health
// show. Nothing is asked for it.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

struct SeenRateLimits {
  WallClock::time_point seen;
  std::map<std::string, std::string> fields;  // every anthropic-ratelimit-* field of that answer
};

// Safe from every thread.
class RateLimitSnapshot {
 public:
  // Takes the fields of an answer, if it has any and the last ones are a second old, or the answer
  // is a refusal.
  void note(const http::ResponseHead& answer);

  // What was seen last; nothing before the first.
  [[nodiscard]] std::optional<SeenRateLimits> seen() const;

 private:
  std::atomic<Clock::time_point> next_ = Clock::time_point::min();
  mutable std::mutex mutex_;
  std::optional<SeenRateLimits> seen_;
};

// True when the answer says that it is paid for with usage credits.
[[nodiscard]] bool uses_credits(const http::ResponseHead& answer);

}  // namespace ccproxy::proxy
