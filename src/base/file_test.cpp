#include "base/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

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
  // No temporary file is left beside it.
  const std::filesystem::directory_iterator entries(folder_ + "/new");
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(File, that_does_not_exist_is_not_found) {
  EXPECT_EQ(read_file(folder_ + "/none").error().kind, ErrorKind::kNotFound);
}

TEST_F(File, larger_than_the_limit_is_refused) {
  ASSERT_TRUE(replace_file(folder_ + "/big", std::string(100, 'x')));
  EXPECT_EQ(read_file(folder_ + "/big", 99).error().kind, ErrorKind::kTooLarge);
  EXPECT_TRUE(read_file(folder_ + "/big", 100));
}

TEST_F(File, is_intact_after_it_could_not_be_replaced) {
  // Renaming a file over a folder fails for every user, root included.
  std::filesystem::create_directories(folder_ + "/taken/inside");
  EXPECT_EQ(replace_file(folder_ + "/taken", "x").error().kind, ErrorKind::kIo);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/taken/inside"));
}

TEST_F(File, is_replaced_in_two_steps_and_unchanged_in_between) {
  const std::string path = folder_ + "/auth.json";
  ASSERT_TRUE(replace_file(path, "first"));
  {
    auto prepared = Replacement::prepare(path, 10'000);
    ASSERT_TRUE(prepared);
    EXPECT_EQ(read_file(path).value(), "first");
    ASSERT_TRUE(prepared->commit("second"));
    EXPECT_EQ(read_file(path).value(), "second") << "none of the reserved bytes may remain";
  }
  { EXPECT_TRUE(Replacement::prepare(path, 10'000)); }  // destroyed without a commit
  const std::filesystem::directory_iterator entries(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(File, can_be_replaced_by_a_second_attempt) {
  const std::string path = folder_ + "/auth.json";
  auto prepared = Replacement::prepare(path, 10);
  ASSERT_TRUE(prepared);
  std::filesystem::create_directories(path + "/in-the-way");
  EXPECT_FALSE(prepared->commit("text"));
  std::filesystem::remove_all(path);
  ASSERT_TRUE(prepared->commit("text"));
  EXPECT_EQ(read_file(path).value(), "text");
}

// Writers that were killed left files of random names, which piled up with tokens in them.
TEST_F(File, is_written_under_one_temporary_name_even_if_that_exists) {
  const std::string path = folder_ + "/auth.json", victim = folder_ + "/victim";
  std::ofstream(path + ".new") << "half of someth";
  ASSERT_TRUE(replace_file(path, "first"));
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  std::ofstream(victim) << "mine";
  std::filesystem::create_symlink(victim, path + ".new");
  ASSERT_TRUE(replace_file(path, "second"));
  EXPECT_EQ(read_file(path).value(), "second");
  EXPECT_EQ(read_file(victim).value(), "mine") << "a link is not followed";
  auto begun = Replacement::prepare(path, 100);
  ASSERT_TRUE(begun);
  ASSERT_TRUE(replace_file(path, "by the next owner of the lock"));
  ASSERT_TRUE(begun->commit("third"));
  EXPECT_EQ(read_file(path).value(), "third");
  EXPECT_TRUE(leftover_files_of(path).empty());
}

TEST_F(File, leftovers_are_found_by_their_current_and_their_earlier_names) {
  const std::string path = folder_ + "/auth.json";
  for (const char* end : {".new", ".a1B2c3", ".XXXXXX", ".lock", ".refused", ".bak", ".bak.2",
                          ".backup", ".a1B2c", ".a1B2c34", ".a1B2-3", ".bak.new", ".bak.12.new",
                          ".bak.x.new", ".bakk.new", ".lock.new", ".bak.", ".bak.2x", ""})
    std::ofstream(path + end) << "x";
  std::ofstream(folder_ + "/other.json.a1B2c3") << "x";
  std::ofstream(folder_ + "/other.json.bak") << "x";
  auto found = leftover_files_of(path);
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found,
            (std::vector<std::string>{path + ".XXXXXX", path + ".a1B2c3", path + ".bak.12.new",
                                      path + ".bak.new", path + ".new"}));
  auto copies = backups_of(path);
  std::sort(copies.begin(), copies.end());
  EXPECT_EQ(copies, (std::vector<std::string>{path + ".bak", path + ".bak.2"}));
}

// Backups are written beside the link, temporary files beside its target.
TEST_F(File, leftovers_of_a_link_are_found_beside_the_link_and_its_target) {
  const std::string link = folder_ + "/auth.json", target = folder_ + "/dotfiles/there.json";
  ASSERT_TRUE(replace_file(target, "x"));
  std::filesystem::create_symlink(target, link);
  ASSERT_EQ(back_up_file(link).value(), link + ".bak");
  std::ofstream(link + ".bak.2.new") << "half";
  std::ofstream(target + ".new") << "half";
  const std::string real = std::filesystem::canonical(target).string();
  EXPECT_EQ(leftover_files_of(link),
            (std::vector<std::string>{link + ".bak.2.new", real + ".new"}));
  EXPECT_EQ(backups_of(link), std::vector<std::string>{link + ".bak"});
}

TEST_F(File, stamp_changes_with_the_file) {
  const std::string path = folder_ + "/x";
  EXPECT_FALSE(stamp_of(path).exists);
  ASSERT_TRUE(replace_file(path, "first"));
  const FileStamp first = stamp_of(path);
  EXPECT_EQ(stamp_of(path), first);
  ASSERT_TRUE(replace_file(path, "other"));
  EXPECT_NE(stamp_of(path), first) << "the size is the same, but it is another file";
  const FileStamp other = stamp_of(path);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_NE(stamp_of(path), other);
  std::filesystem::create_symlink(path, folder_ + "/link");
  EXPECT_EQ(stamp_of(folder_ + "/link"), stamp_of(path));
}

TEST_F(File, link_target_is_the_file_itself_where_there_is_no_link) {
  ASSERT_TRUE(replace_file(folder_ + "/target", "x"));
  std::filesystem::create_symlink(folder_ + "/target", folder_ + "/link");
  EXPECT_EQ(link_target(folder_ + "/link"), std::filesystem::canonical(folder_ + "/target"));
  EXPECT_EQ(link_target(folder_ + "/none"), folder_ + "/none");
}

TEST_F(File, creates_every_missing_folder_for_its_owner_only) {
  ASSERT_TRUE(replace_file(folder_ + "/a/b/c", "x"));
  for (const char* made : {"/a", "/a/b"}) {
    struct stat facts {};
    ASSERT_EQ(::stat((folder_ + made).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0700U) << made;
  }
}

}  // namespace
}  // namespace ccproxy
