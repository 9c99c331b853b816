#include "base/uptime.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>

namespace ccproxy {
namespace {

TEST(Uptime, names_one_boot_and_does_not_decrease) {
  const Uptime before = read_uptime(), after = read_uptime();
  EXPECT_FALSE(before.boot.empty());
  EXPECT_EQ(before.boot, after.boot);
  EXPECT_GE(after.seconds, before.seconds);
}

// All processes of a machine must read the same, or they cannot compare their values.
TEST(Uptime, is_the_one_that_the_system_reports) {
  std::ifstream named("/proc/sys/kernel/random/boot_id");
  std::string boot;
  if (!(named >> boot)) GTEST_SKIP() << "this system does not name its boots there";
  EXPECT_EQ(read_uptime().boot, boot);
  double seconds = 0;
  std::ifstream("/proc/uptime") >> seconds;
  EXPECT_NEAR(static_cast<double>(read_uptime().seconds), seconds, 60);
}

}  // namespace
}  // namespace ccproxy
