#include "proxy/translation/retry.hpp"

#include <algorithm>
#include <array>

#include "base/status.hpp"
#include "base/text.hpp"

namespace ccproxy::proxy {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstWait{500};
constexpr milliseconds kMaxBackOff{8000};
constexpr std::array<int, 8> kTransient = {408, 409, status::kTooManyRequests, 500, 502, 503,
                                           504, 529};

// Nothing when the response names no time, or none that can be read.
std::optional<Clock::duration> requested_wait(const http::ResponseHead& response) {
  if (const auto count = parse_decimal(response.get("retry-after-ms")))
    return milliseconds(std::min<std::uint64_t>(*count, 86'400'000));
  if (const auto count = parse_decimal(response.get("retry-after")))
    return std::chrono::seconds(std::min<std::uint64_t>(*count, 86'400));
  return std::nullopt;
}

}  // namespace

std::optional<Clock::duration> wait_before_retry(unsigned retries, RetryLimits limits,
                                                 double random) {
  if (retries >= limits.max_retries) return std::nullopt;
  const milliseconds back_off = std::min(kFirstWait * (1U << std::min(retries, 8U)), kMaxBackOff);
  const auto wait = std::chrono::duration<double, std::milli>(random * double(back_off.count()));
  return std::min(std::chrono::duration_cast<Clock::duration>(wait), limits.max_wait);
}

std::optional<Clock::duration> wait_before_retry(const http::ResponseHead& response,
                                                 unsigned retries, RetryLimits limits,
                                                 double random) {
  const std::string_view advice = response.get("x-should-retry");
  const bool is_transient =
      std::find(kTransient.begin(), kTransient.end(), response.status) != kTransient.end();
  if (retries >= limits.max_retries || advice == "false" || (!is_transient && advice != "true"))
    return std::nullopt;
  if (const auto wait = requested_wait(response))
    return *wait <= limits.max_wait ? wait : std::nullopt;
  if (response.status == status::kTooManyRequests) return std::nullopt;
  return wait_before_retry(retries, limits, random);
}

}  // namespace ccproxy::proxy
