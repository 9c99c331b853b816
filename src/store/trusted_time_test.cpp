#include "store/trusted_time.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ccproxy::store {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;  // whatever day it is
constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86'400;
constexpr std::int64_t kSinceBoot = 50'000;

struct Look {
  std::int64_t passed;       // really, since the look before
  std::int64_t error;        // of the wall clock
  std::int64_t age;          // how far the trusted time is behind the real one
  std::int64_t off = 0;      // of what has passed, the machine was off; it started after that
  std::int64_t rewound = 0;  // the uptime went back, as on a machine that was a snapshot
};

struct Row {
  const char* says;
  std::vector<Look> looks;  // after one at which everything was right, and had been for long
};

const Row kRows[] = {
    {"a clock that is right is trusted at each look", {{0, 0, 0}, {600, 0, 0}, {10 * kDay, 0, 0}}},
    {"a clock that is corrected by seconds is trusted",
     {{600, 3, -3}, {600, -20, 20}, {600, 30, -30}}},
    {"days of sleep count at once: the uptime has gone on", {{40 * kDay, 0, 0}}},
    {"a wrong clock at the start of the machine is not believed, and it is as if no time had "
     "passed "
     "while it was off",
     {{10 * kMinute, 40 * kDay, 10 * kMinute, 9 * kMinute},
      {10 * kMinute, 40 * kDay, 10 * kMinute},
      {49 * kMinute, 40 * kDay, 10 * kMinute}}},
    {"which is mended before an hour is over, and leaves no trace an hour later",
     {{10 * kMinute, 40 * kDay, 10 * kMinute, 9 * kMinute},
      {50 * kMinute, 40 * kDay, 10 * kMinute},
      {10 * kMinute, 0, 10 * kMinute},
      {59 * kMinute, 0, 10 * kMinute},
      {kMinute, 0, 0}}},
    {"a clock that jumps while everything runs is not believed for an hour, and then it is",
     {{10 * kMinute, 40 * kDay, 0},
      {59 * kMinute, 40 * kDay, 0},
      {kMinute, 40 * kDay, -40 * kDay}}},
    {"each jump begins the hour anew",
     {{10 * kMinute, 40 * kDay, 0},
      {50 * kMinute, 50 * kDay, 0},
      {50 * kMinute, 40 * kDay, 0},
      {59 * kMinute, 40 * kDay, 0},
      {kMinute, 40 * kDay, -40 * kDay}}},
    {"days that the machine was off count when the clock has kept its time for an hour",
     {{40 * kDay, 0, 40 * kDay, 40 * kDay - kMinute},
      {59 * kMinute, 0, 40 * kDay},
      {kMinute, 0, 0},
      {10 * kMinute, 0, 0}}},
    {"the hour goes on when the program has not looked for some of it",
     {{40 * kDay, 0, 40 * kDay, 40 * kDay}, {10 * kMinute, 0, 40 * kDay}, {50 * kMinute, 0, 0}}},
    {"looking often makes it no longer and no shorter",
     {{40 * kDay, 0, 40 * kDay, 40 * kDay},
      {20 * kMinute, 0, 40 * kDay},
      {0, 0, 40 * kDay},
      {20 * kMinute, 0, 40 * kDay},
      {0, 0, 40 * kDay},
      {19 * kMinute, 0, 40 * kDay},
      {kMinute, 0, 0}}},
    {"another start of the machine begins it anew: nobody knows what the clock did in between",
     {{40 * kDay, 0, 40 * kDay, 40 * kDay},
      {50 * kMinute, 0, 40 * kDay},
      {kDay, 0, 41 * kDay, kDay},
      {50 * kMinute, 0, 41 * kDay},
      {10 * kMinute, 0, 0}}},
    {"an uptime of another start of the machine says nothing, though it is a larger one",
     {{3 * kDay, 0, 3 * kDay, 2 * kDay}, {59 * kMinute, 0, 3 * kDay}, {kMinute, 0, 0}}},
    {"an uptime that has gone back cannot be compared",
     {{kDay, 0, kDay, 0, kHour + kDay}, {59 * kMinute, 0, kDay}, {kMinute, 0, 0}}},
    {"a clock that is set back is believed at once; its way forward is another jump",
     {{10 * kMinute, -40 * kDay, 40 * kDay},
      {10 * kMinute, -40 * kDay, 40 * kDay},
      {10 * kMinute, 0, 40 * kDay},
      {59 * kMinute, 0, 40 * kDay},
      {kMinute, 0, 0}}},
    {"a clock that starts in 1970 is believed, and then its correction waits",
     {{kDay, -kNow, kNow, kDay}, {kHour, -kNow, kNow}, {kMinute, 0, kNow}, {kHour, 0, 0}}},
};

TEST(TrustedTime, follows_the_wall_clock_when_that_has_kept_its_time) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.says);
    std::int64_t real = kNow, boots = 1;
    Uptime uptime{"boot1", kSinceBoot};
    TrustedTime time{{real, uptime}, real, kDay};
    for (std::size_t i = 0; i < row.looks.size(); ++i) {
      SCOPED_TRACE("look " + std::to_string(i));
      const Look& look = row.looks[i];
      real += look.passed;
      uptime.seconds += look.passed - look.rewound;
      if (look.off > 0) uptime = {"boot" + std::to_string(++boots), look.passed - look.off};
      time = look_again(time, {real + look.error, uptime});
      EXPECT_EQ(real - time.seconds, look.age);
    }
  }
}

// As in a file of a version that noted nothing.
TEST(TrustedTime, is_nothing_for_an_hour_when_nobody_has_looked_before) {
  auto time = look_again(std::nullopt, {kNow, {"boot", 5}});
  EXPECT_EQ(time.seconds, 0);
  time = look_again(time, {kNow + kHour - 1, {"boot", 5 + kHour - 1}});
  EXPECT_LT(time.seconds, kDay);
  time = look_again(time, {kNow + kHour, {"boot", 5 + kHour}});
  EXPECT_EQ(time.seconds, kNow + kHour);
}

}  // namespace
}  // namespace ccproxy::store
