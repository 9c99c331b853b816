// How long the machine has been up, including the time for which it was suspended. It refuses to
// know the time of day, so that setting the system's clock changes nothing.
#pragma once

#include <cstdint>
#include <string>

namespace ccproxy {

struct Uptime {
  // Identifies the boot since which `seconds` are counted. Values with the same `boot` can be
  // compared, whichever process has read them. Where the system has no name for a boot, this one is
  // unique to the process.
  std::string boot;
  std::int64_t seconds;
};

[[nodiscard]] Uptime read_uptime();

}  // namespace ccproxy
