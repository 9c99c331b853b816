#include "net/crypto.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ccproxy::net {
namespace {

TEST(RandomHex, has_the_requested_length_and_is_different_each_time) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string hex = random_hex(16);
    EXPECT_EQ(hex.size(), 32U);
    EXPECT_EQ(hex.find_first_not_of("0123456789abcdef"), std::string::npos) << hex;
    seen.insert(hex);
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(random_hex(0), "");
}

TEST(SameSecret, is_true_for_equal_texts_only) {
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_TRUE(same_secret("sk-abc", "sk-abc"));
  EXPECT_FALSE(same_secret("sk-abc", "sk-abd"));
  EXPECT_FALSE(same_secret("sk-ab", "sk-abc"));
  EXPECT_FALSE(same_secret("sk-abc", ""));
  EXPECT_FALSE(same_secret(std::string("a\0b", 3), std::string("a\0c", 3)));
}

}  // namespace
}  // namespace ccproxy::net
