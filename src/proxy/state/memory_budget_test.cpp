#include "proxy/state/memory_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kKiB = std::size_t{1} << 10;

// 64 MiB, of which a sixteenth is the reserve.
class Holding : public testing::Test {
 protected:
  [[nodiscard]] MemoryReservation request() {
    return MemoryReservation(all, MemoryReservation::For::kRequest);
  }
  MemoryBudget all{64 * kMiB};
};

TEST_F(Holding, has_no_more_than_there_is) {
  MemoryReservation one(all);
  EXPECT_EQ(all.room(), 60 * kMiB);
  EXPECT_FALSE(one.grow(60 * kMiB + 1));
  EXPECT_EQ(all.held(), 0);
  EXPECT_TRUE(one.grow(60 * kMiB));
  EXPECT_FALSE(one.grow(1));
  one.shrink(kMiB);
  EXPECT_TRUE(one.grow(kMiB));
  one.release();
  EXPECT_EQ(all.held(), 0);
}

TEST_F(Holding, by_many_who_hold_little_leaves_the_reserve_to_small_requests) {
  std::vector<MemoryReservation> streams(1000);
  int waiting = 0;
  for (MemoryReservation& stream : streams) {
    stream = MemoryReservation(all);
    if (!stream.grow(200 * kKiB)) ++waiting;
  }
  EXPECT_GT(waiting, 600);
  std::vector<MemoryReservation> requests(16);
  for (MemoryReservation& small : requests) {
    small = request();
    EXPECT_TRUE(small.grow(100 * kKiB));
    EXPECT_TRUE(small.grow(156 * kKiB)) << "4 MiB are for them";
  }
  MemoryReservation last = request();
  EXPECT_FALSE(last.grow(100 * kKiB)) << "the reserve has an end";
  requests.pop_back();
  EXPECT_TRUE(last.grow(100 * kKiB)) << "and what is given back is there again";
}

TEST_F(Holding, what_was_taken_anyway_leaves_the_reserve_to_small_requests) {
  MemoryReservation running(all);
  running.grow_anyway(500 * kMiB);
  MemoryReservation small = request();
  EXPECT_TRUE(small.grow(256 * kKiB));
}

TEST_F(Holding, a_request_that_grows_large_leaves_the_reserve) {
  MemoryReservation full(all);
  ASSERT_TRUE(full.grow(60 * kMiB));
  MemoryReservation large = request();
  ASSERT_TRUE(large.grow(256 * kKiB));
  EXPECT_FALSE(large.grow(1)) << "there is no room for what is large";
  full.shrink(kMiB);
  EXPECT_TRUE(large.grow(256 * kKiB));
  EXPECT_TRUE(full.grow(kMiB / 2)) << "all of it counts outside of the reserve";
  EXPECT_FALSE(full.grow(1));
  MemoryReservation small = request();
  EXPECT_TRUE(small.grow(256 * kKiB));
  large.release();
  small.release();
  full.release();
  EXPECT_EQ(all.held(), 0);
}

TEST_F(Holding, goes_along_with_what_moves) {
  MemoryReservation full(all);
  ASSERT_TRUE(full.grow(60 * kMiB));
  {
    MemoryReservation first = request();
    ASSERT_TRUE(first.grow(kKiB));
    MemoryReservation second = std::move(first);
    MemoryReservation third = request();
    third.take_over(second);
    EXPECT_EQ(third.size(), kKiB);
    EXPECT_EQ(all.held(), 60 * kMiB + kKiB);
  }
  EXPECT_EQ(all.held(), 60 * kMiB);
}

TEST_F(Holding, a_part_of_it_goes_along_and_what_is_of_the_reserve_stays_of_it) {
  MemoryReservation full(all);
  ASSERT_TRUE(full.grow(60 * kMiB));
  MemoryReservation asked = request(), answered = request();
  ASSERT_TRUE(asked.grow(100 * kKiB));  // of the reserve
  asked.grow_anyway(50 * kKiB);
  answered.take_from(asked, 80 * kKiB);
  EXPECT_EQ(answered.size(), 80 * kKiB);
  EXPECT_EQ(asked.size(), 70 * kKiB);
  EXPECT_EQ(all.held(), 60 * kMiB + 150 * kKiB);
  answered.take_from(asked, 80 * kKiB);
  EXPECT_EQ(all.held(), 60 * kMiB + 160 * kKiB) << "what it lacks is taken anyway";
  asked.release();
  answered.release();
  EXPECT_EQ(all.held(), 60 * kMiB);
  MemoryReservation small = request();
  std::vector<MemoryReservation> others(16);
  for (MemoryReservation& other : others) {
    other = request();
    EXPECT_TRUE(other.grow(256 * kKiB)) << "all of the reserve is there again";
  }
  EXPECT_FALSE(small.grow(1)) << "and no more";
}

}  // namespace
}  // namespace ccproxy::proxy
