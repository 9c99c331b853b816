// Times as text.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ccproxy {

using Instant = std::chrono::sys_time<std::chrono::milliseconds>;

[[nodiscard]] inline Instant wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// RFC 3339: 2026-03-01T12:00:00Z, with a fraction or an offset too; a date alone is its midnight.
// Nothing for all else.
[[nodiscard]] std::optional<Instant> instant_of(std::string_view rfc3339);

// Such as 6h2m1s, 1m3s, 1.5s, 250ms, 0s: as Go writes durations, cut to milliseconds. What is
// negative is 0s.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

}  // namespace ccproxy
