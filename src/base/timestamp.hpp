// Reads and writes times and durations as text.
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

// Reads a time such as 2026-03-01T12:00:00Z, which may have a fraction and an offset (RFC 3339). A
// date alone is its midnight in UTC. Nothing for any other text.
[[nodiscard]] std::optional<Instant> instant_of(std::string_view rfc3339);

// Writes a duration as Go does, such as 6h2m1s, 1m3s, 1.5s, 250ms. A negative one is 0s.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

}  // namespace ccproxy
