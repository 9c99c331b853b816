#include "store/trusted_time.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ccproxy::store {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;  // any day
constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86'400;
constexpr std::int64_t kSinceBoot = 50'000;

// One look at the clocks; all members are seconds.
struct Step {
  std::int64_t passed;       // real time since the look before
  std::int64_t error;        // of the wall clock, against the real time
  std::int64_t age;          // expected: how far the trusted time is behind the real one
  std::int64_t off = 0;      // part of `passed` in which the machine was off, before it started
  std::int64_t rewound = 0;  // by which the uptime went back, as on a restored snapshot
};

struct Row {
  const char* name;
  std::vector<Step> steps;  // after one look with right clocks
};

const Row kRows[] = {
    {"a clock that is right is trusted at each look", {{0, 0, 0}, {600, 0, 0}, {10 * kDay, 0, 0}}},
    {"a clock that is corrected by seconds is trusted",
     {{600, 3, -3}, {600, -20, 20}, {600, 30, -30}}},
    {"days of sleep count at once: the uptime has gone on", {{40 * kDay, 0, 0}}},
    {"a wrong clock at the start of the machine is not believed, and it is as if no time had "
     "passed while it was off",
     {{10 * kMinute, 40 * kDay, 10 * kMinute, 9 * kMinute},
      {10 * kMinute, 40 * kDay, 10 * kMinute},
      {49 * kMinute, 40 * kDay, 10 * kMinute}}},
    {"a wrong clock that is corrected before an hour is over leaves no trace an hour later",
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
    {"days that the machine was off count when the clock has run on for an hour",
     {{40 * kDay, 0, 40 * kDay, 40 * kDay - kMinute},
      {59 * kMinute, 0, 40 * kDay},
      {kMinute, 0, 0},
      {10 * kMinute, 0, 0}}},
    {"the hour goes on when the program did not look for a part of it",
     {{40 * kDay, 0, 40 * kDay, 40 * kDay}, {10 * kMinute, 0, 40 * kDay}, {50 * kMinute, 0, 0}}},
    {"looking often makes the hour no longer and no shorter",
     {{40 * kDay, 0, 40 * kDay, 40 * kDay},
      {20 * kMinute, 0, 40 * kDay},
      {0, 0, 40 * kDay},
      {20 * kMinute, 0, 40 * kDay},
      {0, 0, 40 * kDay},
      {19 * kMinute, 0, 40 * kDay},
      {kMinute, 0, 0}}},
    {"another start of the machine begins the hour anew: the clock was not watched in between",
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

TEST(TrustedTime, follows_the_wall_clock_when_it_has_run_on_for_an_hour) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    std::int64_t real = kNow, boots = 1;
    Uptime uptime{"boot1", kSinceBoot};
    TrustedTime time{{real, uptime}, real, kDay};
    for (std::size_t i = 0; i < row.steps.size(); ++i) {
      SCOPED_TRACE("look " + std::to_string(i));
      const Step& step = row.steps[i];
      real += step.passed;
      uptime.seconds += step.passed - step.rewound;
      if (step.off > 0) uptime = {"boot" + std::to_string(++boots), step.passed - step.off};
      time = update_trusted_time(time, {real + step.error, uptime});
      EXPECT_EQ(real - time.seconds, step.age);
    }
  }
}

// A file of a version that noted no clocks has no earlier look.
TEST(TrustedTime, is_zero_for_the_first_hour) {
  auto time = update_trusted_time(std::nullopt, {kNow, {"boot", 5}});
  EXPECT_EQ(time.seconds, 0);
  time = update_trusted_time(time, {kNow + kHour - 1, {"boot", 5 + kHour - 1}});
  EXPECT_LT(time.seconds, kDay);
  time = update_trusted_time(time, {kNow + kHour, {"boot", 5 + kHour}});
  EXPECT_EQ(time.seconds, kNow + kHour);
}

}  // namespace
}  // namespace ccproxy::store
