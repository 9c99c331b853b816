#include "base/timestamp.hpp"

#include <gtest/gtest.h>

namespace ccproxy {
namespace {

using std::chrono::milliseconds;

TEST(Timestamp, reads_rfc_3339_to_the_millisecond) {
  const struct {
    const char* text;
    std::int64_t since_1970;
  } rows[] = {
      {"1970-01-01T00:00:01Z", 1000},
      {"1970-01-02", 86'400'000},
      {"2026-03-01T12:00:00Z", 1'772'366'400'000},
      {"1970-01-01T00:00:00.25Z", 250},
      {"1970-01-01T00:00:00.123456Z", 123},
      {"1970-01-01T02:00:00+02:00", 0},
      {"1969-12-31T23:30:00-00:30", 0},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    const auto instant = instant_of(row.text);
    ASSERT_TRUE(instant);
    EXPECT_EQ(instant->time_since_epoch().count(), row.since_1970);
  }
}

TEST(Timestamp, refuses_text_that_is_not_rfc_3339) {
  for (const char* text : {"", "now", "2026", "2026-02-30", "2026-03-01T", "2026-03-01T12:00:00",
                           "2026-03-01T25:00:00Z", "2026-03-01T12:00:00+2", "2026-03-01x"})
    EXPECT_FALSE(instant_of(text)) << text;
}

TEST(Timestamp, writes_durations_as_go_does) {
  EXPECT_EQ(duration_text(milliseconds(63'000)), "1m3s");
  EXPECT_EQ(duration_text(milliseconds(250)), "250ms");
  EXPECT_EQ(duration_text(milliseconds(1'500)), "1.5s");
  EXPECT_EQ(duration_text(milliseconds(21'721'000)), "6h2m1s");
  EXPECT_EQ(duration_text(milliseconds(3'600'000)), "1h0m0s");
  EXPECT_EQ(duration_text(milliseconds(-5)), "0s");
}

}  // namespace
}  // namespace ccproxy
