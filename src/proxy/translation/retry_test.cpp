#include "proxy/translation/retry.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::optional<Clock::duration> wait(int status, std::vector<http::Field> fields = {},
                                    unsigned done = 0, double random = 0.5) {
  http::ResponseHead head;
  head.status = status;
  head.fields = std::move(fields);
  return wait_before_retry(head, done, {}, random);
}

TEST(Retry, is_for_what_passes) {
  for (const int status : {408, 409, 500, 502, 503, 504, 529}) EXPECT_TRUE(wait(status)) << status;
  for (const int status : {400, 401, 403, 404, 413, 422, 501}) EXPECT_FALSE(wait(status)) << status;
}

TEST(Retry, comes_twice_and_no_more) {
  EXPECT_TRUE(wait(529, {}, 1));
  EXPECT_FALSE(wait(529, {}, 2));
  EXPECT_FALSE(wait_before_retry(0, {.most = 0}, 0.5));
}

TEST(Retry, does_what_the_upstream_says) {
  EXPECT_EQ(wait(529, {{"retry-after", "3"}}), seconds(3));
  EXPECT_EQ(wait(529, {{"retry-after", "3"}, {"retry-after-ms", "250"}}), milliseconds(250));
  EXPECT_FALSE(wait(529, {{"x-should-retry", "false"}}));
  EXPECT_TRUE(wait(400, {{"x-should-retry", "true"}}));
  EXPECT_TRUE(wait(529, {{"retry-after", "soon"}})) << "no time is no answer";
}

TEST(Retry, does_not_wait_for_hours) {
  EXPECT_EQ(wait(529, {{"retry-after", "10"}}), seconds(10));
  EXPECT_FALSE(wait(529, {{"retry-after", "11"}}));
  EXPECT_FALSE(wait(529, {{"retry-after", "999999999999"}}));
  EXPECT_FALSE(wait(529, {{"retry-after-ms", "999999999999"}}));
}

TEST(Retry, of_a_limit_needs_a_time) {
  EXPECT_FALSE(wait(429));
  EXPECT_EQ(wait(429, {{"retry-after", "1"}}), seconds(1));
}

TEST(Retry, backs_off_with_jitter) {
  EXPECT_EQ(wait_before_retry(0, {}, 0.0), seconds(0));
  EXPECT_EQ(wait_before_retry(0, {}, 0.5), milliseconds(250));
  EXPECT_EQ(wait_before_retry(1, {}, 0.5), milliseconds(500));
  EXPECT_EQ(wait_before_retry(40, {.most = 50}, 0.5), milliseconds(4000));
  EXPECT_EQ(wait_before_retry(40, {.most = 50, .longest = seconds(1)}, 0.9), seconds(1));
}

}  // namespace
}  // namespace ccproxy::proxy
