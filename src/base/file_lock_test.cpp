#include "base/file_lock.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace ccproxy {
namespace {

using std::chrono::milliseconds;

class Lock : public testing::Test {
 protected:
  Lock() {
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    path = folder + "/home/x.lock";
  }
  ~Lock() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  std::string folder = std::filesystem::temp_directory_path() / "ccproxy-lock-XXXXXX";
  std::string path;
};

TEST_F(Lock, excludes_another_lock_of_the_same_process_until_it_is_released) {
  auto first = FileLock::try_now(path);
  ASSERT_TRUE(first && *first);
  const auto second = FileLock::try_now(path);
  ASSERT_TRUE(second);
  EXPECT_FALSE(*second);
  first->reset();
  const auto third = FileLock::try_now(path);
  EXPECT_TRUE(third && *third);
}

TEST_F(Lock, creates_its_file_and_folder_for_their_owner_only) {
  (void)FileLock::wait(path, milliseconds(0));
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat((folder + "/home").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0700U);
}

TEST_F(Lock, wait_fails_when_its_limit_expires) {
  const auto first = FileLock::wait(path, milliseconds(0));
  ASSERT_TRUE(first);
  const auto second = FileLock::wait(path, milliseconds(60));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kBusy);
}

TEST_F(Lock, is_taken_once_another_process_releases_it) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(::pipe(pipe_ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    {
      const auto theirs = FileLock::wait(path, milliseconds(0));
      (void)!::write(pipe_ends[1], theirs ? "y" : "n", 1);
      std::this_thread::sleep_for(milliseconds(100));
    }
    ::pause();  // the process lives on, so that it has released the lock and not died with it
  }
  char has_lock = 0;
  ASSERT_EQ(::read(pipe_ends[0], &has_lock, 1), 1);
  EXPECT_EQ(has_lock, 'y');
  const auto now = FileLock::try_now(path);
  EXPECT_TRUE(now && !*now) << "the child holds the lock";
  EXPECT_TRUE(FileLock::wait(path, std::chrono::seconds(10)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (const int end : pipe_ends) ::close(end);
}

TEST_F(Lock, is_released_when_its_process_dies) {
  const auto mine = FileLock::wait(path, milliseconds(0));
  ASSERT_TRUE(mine);
  const std::string other = folder + "/other.lock";
  const pid_t child = ::fork();
  if (child == 0) {  // takes one lock, cannot take the other, and dies holding the first
    const auto theirs = FileLock::try_now(other);
    const auto ours = FileLock::try_now(path);
    ::_exit(theirs && *theirs && ours && !*ours ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  const auto now = FileLock::try_now(other);
  EXPECT_TRUE(now && *now);
}

TEST_F(Lock, does_not_follow_a_link) {
  std::filesystem::create_directories(folder + "/home");
  std::filesystem::create_symlink("/dev/null", path);
  EXPECT_FALSE(FileLock::try_now(path));
}

}  // namespace
}  // namespace ccproxy
