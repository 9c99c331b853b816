#include "proxy/state/rate_limits.hpp"

#include <chrono>
#include <utility>

#include "base/status.hpp"
#include "base/text.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::string_view kFieldPrefix = "anthropic-ratelimit-";
constexpr std::chrono::seconds kUpdateInterval{1};

}  // namespace

void RateLimitSnapshot::note(const http::ResponseHead& response) {
  const auto now = Clock::now();
  if (now < next_.load(std::memory_order_relaxed) && response.status != status::kTooManyRequests)
    return;
  next_.store(now + kUpdateInterval, std::memory_order_relaxed);
  SeenRateLimits seen{WallClock::now(), {}};
  for (const http::Field& field : response.fields)
    if (starts_with_text(field.name, kFieldPrefix))
      seen.fields.emplace(lowered(field.name), field.value);
  if (seen.fields.empty()) return;
  const std::lock_guard lock(mutex_);
  seen_ = std::move(seen);
}

std::optional<SeenRateLimits> RateLimitSnapshot::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

bool uses_credits(const http::ResponseHead& response) {
  return response.get("anthropic-ratelimit-unified-overage-in-use") == "true";
}

}  // namespace ccproxy::proxy
