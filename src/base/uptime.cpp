#include "base/uptime.hpp"

#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <fstream>
#include <random>

namespace ccproxy {
namespace {

// The clock that also counts the time for which the machine is suspended, and the system's name for
// this boot.
#ifdef __APPLE__
constexpr clockid_t kSinceBoot = CLOCK_MONOTONIC_RAW;

std::string name_of_boot() {
  std::array<char, 64> name{};
  std::size_t size = name.size() - 1;
  if (::sysctlbyname("kern.bootsessionuuid", name.data(), &size, nullptr, 0) != 0) return {};
  return name.data();
}
#else
constexpr clockid_t kSinceBoot = CLOCK_BOOTTIME;

std::string name_of_boot() {
  std::string name;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> name;
  return name;
}
#endif

std::string name_of_process() {
  std::random_device random;
  return fmt::format("process-{:08x}{:08x}{:08x}", random(), random(), random());
}

}  // namespace

Uptime read_uptime() {
  static const std::string boot = [] {
    const std::string name = name_of_boot();
    return name.empty() ? name_of_process() : name;
  }();
  std::timespec now{};
  ::clock_gettime(kSinceBoot, &now);
  return {boot, now.tv_sec};
}

}  // namespace ccproxy
