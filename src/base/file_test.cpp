#include "base/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace ccproxy {
namespace {

class File : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ccproxy-file-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(File, is_replaced_whole_and_readable_by_its_owner_only) {
  const std::string path = folder_ + "/new/config.json";
  ASSERT_TRUE(replace_file(path, "first"));
  ASSERT_TRUE(replace_file(path, "second"));
  EXPECT_EQ(read_file(path).value(), "second");
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat((folder_ + "/new").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0700U);
  // Nothing is left beside it.
  const std::filesystem::directory_iterator entries(folder_ + "/new");
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(File, that_is_missing_is_not_found) {
  EXPECT_EQ(read_file(folder_ + "/none").error().kind, ErrorKind::kNotFound);
}

TEST_F(File, above_the_limit_is_refused) {
  ASSERT_TRUE(replace_file(folder_ + "/big", std::string(100, 'x')));
  EXPECT_EQ(read_file(folder_ + "/big", 99).error().kind, ErrorKind::kTooLarge);
  EXPECT_TRUE(read_file(folder_ + "/big", 100));
}

TEST_F(File, that_cannot_be_written_leaves_the_old_one) {
  // A folder stands where the file should go: the rename fails for every user, root included.
  std::filesystem::create_directories(folder_ + "/taken/inside");
  EXPECT_EQ(replace_file(folder_ + "/taken", "x").error().kind, ErrorKind::kIo);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/taken/inside"));
}

}  // namespace
}  // namespace ccproxy
