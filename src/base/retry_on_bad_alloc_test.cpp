#include "base/retry_on_bad_alloc.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ccproxy {
namespace {

TEST(RetryOnBadAlloc, runs_work_that_succeeds_once) {
  int tries = 0;
  retry_on_bad_alloc([&] { ++tries; });
  EXPECT_EQ(tries, 1);
}

TEST(RetryOnBadAlloc, repeats_the_work_until_there_is_memory) {
  int tries = 0;
  retry_on_bad_alloc([&] {
    if (++tries < 3) throw std::bad_alloc();
  });
  EXPECT_EQ(tries, 3);
}

TEST(RetryOnBadAlloc, passes_on_every_other_exception) {
  int tries = 0;
  EXPECT_THROW(retry_on_bad_alloc([&] {
                 ++tries;
                 throw std::runtime_error("a bug");
               }),
               std::runtime_error);
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace ccproxy
