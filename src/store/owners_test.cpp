#include "store/owners.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "store/store_fixture.hpp"

namespace ccproxy::store {
namespace {

class OwnersOf : public StoreFolder {
 protected:
  Owners enter() {
    auto owners = Owners::enter(path_);
    EXPECT_TRUE(owners) << owners.error().message;
    owners->settle();
    return std::move(*owners);
  }
  // Files of owners, the gate left out.
  [[nodiscard]] std::ptrdiff_t files() const {
    const std::filesystem::directory_iterator folder(path_ + ".owners");
    return std::distance(begin(folder), end(folder)) - 1;
  }
};

TEST_F(OwnersOf, a_database_are_alive_as_long_as_they_exist) {
  const Owners first = enter();
  std::string gone;
  {
    const Owners second = enter();
    gone = second.name();
    EXPECT_FALSE(first.is_gone(second.name()));
    EXPECT_FALSE(second.is_gone(first.name()));
    EXPECT_FALSE(first.is_gone(first.name()));
    EXPECT_EQ(files(), 2);
  }
  EXPECT_TRUE(first.is_gone(gone));
  EXPECT_EQ(files(), 1) << "neither its end nor the question leaves a file";
}

TEST_F(OwnersOf, a_process_that_died_are_gone_and_the_next_one_clears_up) {
  std::filesystem::create_directories(folder_ + "/home");
  const pid_t child = ::fork();
  if (child == 0) {
    auto owners = Owners::enter(path_);
    if (owners) owners->settle();
    ::_exit(owners ? 7 : 1);  // without a goodbye
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(files(), 1);
  const Owners next = enter();
  EXPECT_EQ(files(), 1) << "its own";
}

TEST_F(OwnersOf, a_database_enter_one_after_another) {
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
