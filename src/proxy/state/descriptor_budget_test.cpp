#include "proxy/state/descriptor_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy::proxy {
namespace {

using Reserved = std::vector<DescriptorReservation>;

struct Row {
  const char* description;
  std::size_t max_each, descriptors;
  std::size_t background;      // how many fit first
  std::size_t clients_beside;  // how many fit beside those
};

const Row kRows[] = {
    {"ulimit -n 200: half of the descriptors stay with clients", 10'000, 88, 44, 22},
    {"descriptors for all of both", 10, 30, 10, 10},
    {"descriptors for all the clients, as long as nothing runs beside them", 10, 20, 10, 5},
    {"hardly any", 10'000, 3, 1, 1},
    {"one client is served in any case", 10'000, 2, 0, 1},
    {"none", 10'000, 0, 0, 0},
};

TEST(DescriptorBudget, shares_descriptors_between_clients_and_background_responses) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    DescriptorBudget budget;
    budget.set_limits(row.max_each, row.descriptors);
    Reserved background, clients;
    for (std::size_t i = 0; i < row.background; ++i) {
      background.push_back(budget.reserve_background());
      EXPECT_TRUE(background.back()) << i;
    }
    EXPECT_FALSE(budget.reserve_background());
    for (std::size_t i = 0; i < row.clients_beside; ++i) {
      clients.push_back(budget.reserve_client());
      EXPECT_TRUE(clients.back()) << i;
    }
    EXPECT_FALSE(budget.reserve_client());
    background.clear();
    EXPECT_EQ(bool(budget.reserve_client()),
              row.background >= DescriptorBudget::kDescriptorsPerClient &&
                  row.clients_beside < row.max_each)
        << "released descriptors can be reserved again";
  }
}

TEST(DescriptorBudget, refuses_a_background_response_while_clients_have_the_descriptors) {
  DescriptorBudget budget;
  budget.set_limits(10'000, 88);
  Reserved clients;
  for (int i = 0; i < 43; ++i) clients.push_back(budget.reserve_client());
  Reserved background;
  background.push_back(budget.reserve_background());
  EXPECT_TRUE(background.back());
  background.push_back(budget.reserve_background());
  EXPECT_TRUE(background.back());
  EXPECT_FALSE(budget.reserve_background()) << "every descriptor is reserved";
  clients.pop_back();
  EXPECT_TRUE(budget.reserve_background());
}

TEST(DescriptorBudget, releases_a_reservation_that_was_moved_once) {
  DescriptorBudget budget;
  budget.set_limits(1, 10);
  {
    DescriptorReservation first = budget.reserve_client();
    const DescriptorReservation second = std::move(first);
    EXPECT_FALSE(budget.reserve_client());
  }
  const DescriptorReservation next = budget.reserve_client();
  EXPECT_TRUE(next);
  EXPECT_FALSE(budget.reserve_client());
}

TEST(DescriptorBudget, leaves_reservations_alone_when_its_limits_shrink) {
  DescriptorBudget budget;
  budget.set_limits(3, 100);
  Reserved clients;
  for (int i = 0; i < 3; ++i) clients.push_back(budget.reserve_client());
  budget.set_limits(1, 100);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(budget.reserve_client());
    clients.pop_back();
  }
  EXPECT_TRUE(budget.reserve_client());
}

}  // namespace
}  // namespace ccproxy::proxy
