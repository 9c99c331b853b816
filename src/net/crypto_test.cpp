#include "net/crypto.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ccproxy::net {
namespace {

TEST(RandomHex, is_as_long_as_asked_lower_case_and_never_the_same) {
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

TEST(Sha256, gives_the_digests_of_fips_180) {
  const auto hex = [](const std::string& bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
      text += kDigits[static_cast<unsigned char>(c) >> 4U];
      text += kDigits[static_cast<unsigned char>(c) & 15U];
    }
    return text;
  };
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(SameSecret, is_equality) {
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_TRUE(same_secret("sk-abc", "sk-abc"));
  EXPECT_FALSE(same_secret("sk-abc", "sk-abd"));
  EXPECT_FALSE(same_secret("sk-ab", "sk-abc"));
  EXPECT_FALSE(same_secret("sk-abc", ""));
  EXPECT_FALSE(same_secret(std::string("a\0b", 3), std::string("a\0c", 3)));
}

}  // namespace
}  // namespace ccproxy::net
