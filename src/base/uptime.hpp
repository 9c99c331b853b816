// How long the machine has been up, the time that it slept included. It refuses to know what time
// it is: nobody can set this clock.
#pragma once

#include <cstdint>
#include <string>

namespace ccproxy {

struct Uptime {
  // Which start of the machine `seconds` are counted from: those of one boot can be compared,
  // whichever process read them. Where the system does not name its boots, it stands for this
  // process alone.
  std::string boot;
  std::int64_t seconds;
};

[[nodiscard]] Uptime read_uptime();

}  // namespace ccproxy
