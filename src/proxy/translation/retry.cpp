#include "proxy/translation/retry.hpp"

#include <algorithm>
#include <array>

#include "base/status.hpp"
#include "base/text.hpp"

namespace ccproxy::proxy {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstWait{500};
constexpr milliseconds kLongestBackOff{8000};
constexpr std::array<int, 8> kPassing = {408, 409, status::kTooManyRequests, 500, 502, 503,
                                         504, 529};

// Nothing when the answer does not say; a time that cannot be read is no time.
std::optional<Clock::duration> asked_wait(const http::ResponseHead& answer) {
  if (const auto count = parse_decimal(answer.get("retry-after-ms")))
    return milliseconds(std::min<std::uint64_t>(*count, 86'400'000));
  if (const auto count = parse_decimal(answer.get("retry-after")))
    return std::chrono::seconds(std::min<std::uint64_t>(*count, 86'400));
  return std::nullopt;
}

}  // namespace

std::optional<Clock::duration> wait_before_retry(unsigned done, RetryLimits limits, double random) {
  if (done >= limits.most) return std::nullopt;
  const milliseconds most = std::min(kFirstWait * (1U << std::min(done, 8U)), kLongestBackOff);
  const auto wait = std::chrono::duration<double, std::milli>(random * double(most.count()));
  return std::min(std::chrono::duration_cast<Clock::duration>(wait), limits.longest);
}

std::optional<Clock::duration> wait_before_retry(const http::ResponseHead& answer, unsigned done,
                                                 RetryLimits limits, double random) {
  const std::string_view advice = answer.get("x-should-retry");
  const bool passes = std::find(kPassing.begin(), kPassing.end(), answer.status) != kPassing.end();
  if (done >= limits.most || advice == "false" || (!passes && advice != "true"))
    return std::nullopt;
  if (const auto asked = asked_wait(answer)) return *asked <= limits.longest ? asked : std::nullopt;
  if (answer.status == status::kTooManyRequests) return std::nullopt;
  return wait_before_retry(done, limits, random);
}

}  // namespace ccproxy::proxy
