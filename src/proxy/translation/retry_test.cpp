#include "proxy/translation/retry.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::optional<Clock::duration> wait(int status, std::vector<http::Field> fields = {},
                                    unsigned retries = 0, double random = 0.5) {
  http::ResponseHead head;
  head.status = status;
  head.fields = std::move(fields);
  return wait_before_retry(head, retries, {}, random);
}

TEST(Retry, follows_transient_errors_alone) {
  for (const int status : {408, 409, 500, 502, 503, 504, 529}) EXPECT_TRUE(wait(status)) << status;
  for (const int status : {400, 401, 403, 404, 413, 422, 501}) EXPECT_FALSE(wait(status)) << status;
}

TEST(Retry, happens_twice_at_most) {
  EXPECT_TRUE(wait(529, {}, 1));
  EXPECT_FALSE(wait(529, {}, 2));
  EXPECT_FALSE(wait_before_retry(0, {.max_retries = 0}, 0.5));
}

TEST(Retry, obeys_the_fields_of_the_response) {
  EXPECT_EQ(wait(529, {{"retry-after", "3"}}), seconds(3));
  EXPECT_EQ(wait(529, {{"retry-after", "3"}, {"retry-after-ms", "250"}}), milliseconds(250));
  EXPECT_FALSE(wait(529, {{"x-should-retry", "false"}}));
  EXPECT_TRUE(wait(400, {{"x-should-retry", "true"}}));
  EXPECT_TRUE(wait(529, {{"retry-after", "soon"}})) << "a time that cannot be read counts as none";
}

TEST(Retry, is_left_to_the_client_when_the_wait_is_longer_than_the_limit) {
  EXPECT_EQ(wait(529, {{"retry-after", "10"}}), seconds(10));
  EXPECT_FALSE(wait(529, {{"retry-after", "11"}}));
  EXPECT_FALSE(wait(529, {{"retry-after", "999999999999"}}));
  EXPECT_FALSE(wait(529, {{"retry-after-ms", "999999999999"}}));
}

TEST(Retry, follows_a_429_only_when_it_names_a_time) {
  EXPECT_FALSE(wait(429));
  EXPECT_EQ(wait(429, {{"retry-after", "1"}}), seconds(1));
}

TEST(Retry, backs_off_exponentially_with_full_jitter) {
  EXPECT_EQ(wait_before_retry(0, {}, 0.0), seconds(0));
  EXPECT_EQ(wait_before_retry(0, {}, 0.5), milliseconds(250));
  EXPECT_EQ(wait_before_retry(1, {}, 0.5), milliseconds(500));
  EXPECT_EQ(wait_before_retry(40, {.max_retries = 50}, 0.5), milliseconds(4000));
  EXPECT_EQ(wait_before_retry(40, {.max_retries = 50, .max_wait = seconds(1)}, 0.9), seconds(1));
}

}  // namespace
}  // namespace ccproxy::proxy
