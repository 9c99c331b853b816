#include "proxy/state/memory_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kKiB = std::size_t{1} << 10;

// 64 MiB, of which a sixteenth is the reserve.
class MemoryBudgetTest : public testing::Test {
 protected:
  [[nodiscard]] MemoryReservation request() {
    return MemoryReservation(budget, MemoryReservation::For::kRequest);
  }
  MemoryBudget budget{64 * kMiB};
};

TEST_F(MemoryBudgetTest, refuses_more_than_its_room) {
  MemoryReservation one(budget);
  EXPECT_EQ(budget.room(), 60 * kMiB);
  EXPECT_FALSE(one.grow(60 * kMiB + 1));
  EXPECT_EQ(budget.held(), 0);
  EXPECT_TRUE(one.grow(60 * kMiB));
  EXPECT_FALSE(one.grow(1));
  one.shrink(kMiB);
  EXPECT_TRUE(one.grow(kMiB));
  one.release();
  EXPECT_EQ(budget.held(), 0);
}

TEST_F(MemoryBudgetTest, leaves_the_reserve_to_small_requests_under_many_small_reservations) {
  std::vector<MemoryReservation> streams(1000);
  int waiting = 0;
  for (MemoryReservation& stream : streams) {
    stream = MemoryReservation(budget);
    if (!stream.grow(200 * kKiB)) ++waiting;
  }
  EXPECT_GT(waiting, 600);
  std::vector<MemoryReservation> requests(16);
  for (MemoryReservation& small : requests) {
    small = request();
    EXPECT_TRUE(small.grow(100 * kKiB));
    EXPECT_TRUE(small.grow(156 * kKiB)) << "4 MiB are reserved for small requests";
  }
  MemoryReservation last = request();
  EXPECT_FALSE(last.grow(100 * kKiB)) << "the reserve is used up";
  requests.pop_back();
  EXPECT_TRUE(last.grow(100 * kKiB)) << "bytes that were given back can be taken again";
}

TEST_F(MemoryBudgetTest, leaves_the_reserve_to_small_requests_when_it_is_exceeded) {
  MemoryReservation running(budget);
  running.grow_anyway(500 * kMiB);
  MemoryReservation small = request();
  EXPECT_TRUE(small.grow(256 * kKiB));
}

TEST_F(MemoryBudgetTest, gives_the_reserve_back_when_a_request_grows_large) {
  MemoryReservation full(budget);
  ASSERT_TRUE(full.grow(60 * kMiB));
  MemoryReservation large = request();
  ASSERT_TRUE(large.grow(256 * kKiB));
  EXPECT_FALSE(large.grow(1)) << "there is no room for a large request";
  full.shrink(kMiB);
  EXPECT_TRUE(large.grow(256 * kKiB));
  EXPECT_TRUE(full.grow(kMiB / 2)) << "all of the large request counts outside of the reserve";
  EXPECT_FALSE(full.grow(1));
  MemoryReservation small = request();
  EXPECT_TRUE(small.grow(256 * kKiB));
  large.release();
  small.release();
  full.release();
  EXPECT_EQ(budget.held(), 0);
}

TEST_F(MemoryBudgetTest, moves_reservations_without_counting_them_twice) {
  MemoryReservation full(budget);
  ASSERT_TRUE(full.grow(60 * kMiB));
  {
    MemoryReservation first = request();
    ASSERT_TRUE(first.grow(kKiB));
    MemoryReservation second = std::move(first);
    MemoryReservation third = request();
    third.take_over(second);
    EXPECT_EQ(third.size(), kKiB);
    EXPECT_EQ(budget.held(), 60 * kMiB + kKiB);
  }
  EXPECT_EQ(budget.held(), 60 * kMiB);
}

TEST_F(MemoryBudgetTest, moves_a_part_of_a_reservation_and_the_bytes_of_the_reserve_last) {
  MemoryReservation full(budget);
  ASSERT_TRUE(full.grow(60 * kMiB));
  MemoryReservation source = request(), target = request();
  ASSERT_TRUE(source.grow(100 * kKiB));  // from the reserve
  source.grow_anyway(50 * kKiB);
  target.take_from(source, 80 * kKiB);
  EXPECT_EQ(target.size(), 80 * kKiB);
  EXPECT_EQ(source.size(), 70 * kKiB);
  EXPECT_EQ(budget.held(), 60 * kMiB + 150 * kKiB);
  target.take_from(source, 80 * kKiB);
  EXPECT_EQ(budget.held(), 60 * kMiB + 160 * kKiB)
      << "bytes that the source lacks are taken anyway";
  source.release();
  target.release();
  EXPECT_EQ(budget.held(), 60 * kMiB);
  MemoryReservation small = request();
  std::vector<MemoryReservation> others(16);
  for (MemoryReservation& other : others) {
    other = request();
    EXPECT_TRUE(other.grow(256 * kKiB)) << "the whole reserve is free again";
  }
  EXPECT_FALSE(small.grow(1)) << "and nothing beyond it";
}

}  // namespace
}  // namespace ccproxy::proxy
