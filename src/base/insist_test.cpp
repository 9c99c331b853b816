#include "base/insist.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ccproxy {
namespace {

TEST(Insist, does_what_there_is_memory_for_once) {
  int tries = 0;
  insist([&] { ++tries; });
  EXPECT_EQ(tries, 1);
}

TEST(Insist, tries_until_there_is_memory) {
  int tries = 0;
  insist([&] {
    if (++tries < 3) throw std::bad_alloc();
  });
  EXPECT_EQ(tries, 3);
}

TEST(Insist, passes_on_what_will_not_be_better_later) {
  int tries = 0;
  EXPECT_THROW(insist([&] {
                 ++tries;
                 throw std::runtime_error("a bug");
               }),
               std::runtime_error);
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace ccproxy
