#include "proxy/state/places.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy::proxy {
namespace {

using Taken = std::vector<Place>;

TEST(Places, are_for_the_clients_that_files_are_there_for) {
  struct Row {
    std::size_t most, files, background, clients_beside;
    const char* what;
  };
  const std::vector<Row> rows = {
      {10'000, 88, 44, 22, "ulimit -n 200: half of the files stay with clients"},
      {10, 30, 10, 10, "files for all of both"},
      {10, 20, 10, 5, "files for all the clients, as long as nothing runs beside them"},
      {10'000, 3, 1, 1, "hardly any"},
      {10'000, 2, 0, 1, "one client is served in any case"},
      {10'000, 0, 0, 0, "none"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Places places;
    places.bound(row.most, row.files);
    Taken running, clients;
    for (std::size_t i = 0; i < row.background; ++i) {
      running.push_back(places.take_background());
      EXPECT_TRUE(running.back()) << i;
    }
    EXPECT_FALSE(places.take_background());
    for (std::size_t i = 0; i < row.clients_beside; ++i) {
      clients.push_back(places.take_client());
      EXPECT_TRUE(clients.back()) << i;
    }
    EXPECT_FALSE(places.take_client());
    running.clear();
    EXPECT_EQ(bool(places.take_client()),
              row.background >= Places::kFilesOfClient && row.clients_beside < row.most)
        << "given back";
  }
}

TEST(Places, that_clients_have_are_none_in_the_background) {
  Places places;
  places.bound(10'000, 88);
  Taken clients;
  for (int i = 0; i < 43; ++i) clients.push_back(places.take_client());
  Taken running;
  running.push_back(places.take_background());
  EXPECT_TRUE(running.back());
  running.push_back(places.take_background());
  EXPECT_TRUE(running.back());
  EXPECT_FALSE(places.take_background()) << "every file is spoken for";
  clients.pop_back();
  EXPECT_TRUE(places.take_background());
}

TEST(Places, that_are_moved_are_given_back_once) {
  Places places;
  places.bound(1, 10);
  {
    Place first = places.take_client();
    const Place second = std::move(first);
    EXPECT_FALSE(places.take_client());
  }
  const Place next = places.take_client();
  EXPECT_TRUE(next);
  EXPECT_FALSE(places.take_client());
}

TEST(Places, that_are_fewer_from_now_on_stay_with_those_who_have_them) {
  Places places;
  places.bound(3, 100);
  Taken clients;
  for (int i = 0; i < 3; ++i) clients.push_back(places.take_client());
  places.bound(1, 100);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(places.take_client());
    clients.pop_back();
  }
  EXPECT_TRUE(places.take_client());
}

}  // namespace
}  // namespace ccproxy::proxy
