#include "store/owners.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "store/store_fixture.hpp"

namespace ccproxy::store {
namespace {

class OwnersTest : public StoreFolder {
 protected:
  Owners enter() {
    auto owners = Owners::enter(path_);
    EXPECT_TRUE(owners) << owners.error().message;
    owners->settle();
    return std::move(*owners);
  }
  // Counts the lock files of owners, without the lock for entering.
  [[nodiscard]] std::ptrdiff_t files() const {
    const std::filesystem::directory_iterator folder(path_ + ".owners");
    return std::distance(begin(folder), end(folder)) - 1;
  }
};

TEST_F(OwnersTest, are_alive_while_their_objects_exist) {
  const Owners first = enter();
  std::string gone;
  {
    const Owners second = enter();
    gone = second.name();
    EXPECT_FALSE(first.is_dead(second.name()));
    EXPECT_FALSE(second.is_dead(first.name()));
    EXPECT_FALSE(first.is_dead(first.name()));
    EXPECT_EQ(files(), 2);
  }
  EXPECT_TRUE(first.is_dead(gone));
  EXPECT_EQ(files(), 1) << "neither the dead owner nor is_dead() leaves a file";
}

TEST_F(OwnersTest, are_dead_with_their_process_and_the_next_owner_cleans_up) {
  std::filesystem::create_directories(folder_ + "/home");
  const pid_t child = ::fork();
  if (child == 0) {
    auto owners = Owners::enter(path_);
    if (owners) owners->settle();
    ::_exit(owners ? 7 : 1);  // without destructors
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(files(), 1);
  const Owners next = enter();
  EXPECT_EQ(files(), 1) << "it is the new owner's own";
}

TEST_F(OwnersTest, enter_one_after_another) {
  auto first = Owners::enter(path_);
  ASSERT_TRUE(first);
  const auto gate = FileLock::try_now(path_ + ".owners/gate");
  EXPECT_TRUE(gate && !*gate);
  first->settle();
  const auto open = FileLock::try_now(path_ + ".owners/gate");
  EXPECT_TRUE(open && *open);
}

}  // namespace
}  // namespace ccproxy::store
