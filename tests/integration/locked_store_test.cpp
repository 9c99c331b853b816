// Another program locks the database against reading, too: each request for a stored response gets
// 503 within a second, none waits behind others, and after the lock everything is there.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/database.hpp"
#include "store/store_fixture.hpp"
#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using store::ReadersLockedOut;

constexpr milliseconds kMaxStoreWait{2500};  // a second, and the delays of a busy machine

struct StoreRequest {
  const char* name;
  const char* method;
  const char* rest;  // follows the id
};

const StoreRequest kStoreRequests[] = {
    {"the response", "GET", ""},
    {"its events", "GET", "?stream=true"},
    {"its later events", "GET", "?stream=true&starting_after=1"},
    {"its input", "GET", "/input_items"},
    {"its cancellation", "POST", "/cancel"},
    {"its deletion", "DELETE", ""},
};

class LockedStore : public testing::TestWithParam<unsigned> {
 protected:
  static void expect_locked(const Reply& reply) {
    EXPECT_EQ(reply.status, 503) << reply.raw;
    EXPECT_EQ(reply.field("retry-after"), "1");
    EXPECT_EQ(reply.field("content-type").find("application/json"), 0U);
    const Document error = error_in(reply);
    EXPECT_EQ(error.value("message", ""), "Another program has locked the store: try again.");
    EXPECT_EQ(error.value("type", ""), "server_error");
    EXPECT_EQ(error.value("code", ""), "overloaded");
  }
  std::string database() const { return fixture.home() + "/responses.db"; }

  ProxyFixture fixture{
      Plan{.workers = GetParam(), .config = R"({"server":{"shutdownGraceSeconds":1}})"}};
};
INSTANTIATE_TEST_SUITE_P(Workers, LockedStore, testing::Values(1U, 2U));

TEST_P(LockedStore, replies_503_within_a_second) {
  const std::string id = whole_response(fixture)["id"];
  auto locked = std::make_unique<ReadersLockedOut>(database());
  for (const StoreRequest& row : kStoreRequests) {
    SCOPED_TRACE(row.name);
    const auto began = steady_clock::now();
    expect_locked(request_stored(fixture, row.method, id + row.rest));
    EXPECT_LT(steady_clock::now() - began, kMaxStoreWait);
  }
  fixture.clear_requests();
  for (const Document& more : {Document{{"previous_response_id", id}},
                               Document{{"input", {{{"type", "item_reference"}, {"id", "msg_1"}}}}},
                               Document{{"previous_response_id", id}, {"stream", true}},
                               Document{{"previous_response_id", id}, {"background", true}}}) {
    SCOPED_TRACE(more.dump());
    const auto began = steady_clock::now();
    expect_locked(post_response(fixture, response_body(more)));
    EXPECT_LT(steady_clock::now() - began, kMaxStoreWait);
  }
  EXPECT_TRUE(fixture.requests().empty()) << "nothing was sent upstream";
  locked.reset();
  EXPECT_EQ(stored_response(fixture, id)["status"], "completed") << "it was not erased";
  EXPECT_EQ(whole_response(fixture, {{"previous_response_id", id}})["store"], true);
}

// The last request waits no longer than the first, and a new response is sent although it cannot be
// stored.
TEST_P(LockedStore, delays_no_request_behind_others) {
  const std::string id = whole_response(fixture)["id"];
  const ReadersLockedOut locked(database());
  std::vector<std::thread> clients;
  const auto start_request = [&](auto send) {
    clients.emplace_back([send] {
      const auto began = steady_clock::now();
      send();
      EXPECT_LT(steady_clock::now() - began, kMaxStoreWait);
    });
    std::this_thread::sleep_for(milliseconds(100));
  };
  for (const StoreRequest& row : kStoreRequests)
    start_request([&] { expect_locked(request_stored(fixture, row.method, id + row.rest)); });
  start_request([&] {
    const Reply reply = post_response(fixture, response_body());
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_EQ(json_of(reply.body)["store"], false);
  });
  for (const StoreRequest& row : kStoreRequests)
    start_request([&] { expect_locked(request_stored(fixture, row.method, id + row.rest)); });
  for (std::thread& client : clients) client.join();
}

// Another program has had the whole file since before the start: the store is opened as soon as the
// lock is released.
TEST_P(LockedStore, opens_after_a_lock_from_before_the_start) {
  const std::string id = whole_response(fixture)["id"];
  fixture.proxy().signal(SIGTERM);
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  auto other = std::make_unique<store::Database>(store::Database::open(database()).value());
  ASSERT_TRUE(other->run_script("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE"));
  fixture.restart();
  EXPECT_TRUE(fixture.logs("another program has locked")) << fixture.log();
  for (const StoreRequest& row : kStoreRequests) {
    SCOPED_TRACE(row.name);
    expect_locked(request_stored(fixture, row.method, id + row.rest));
  }
  expect_locked(post_response(fixture, response_body({{"previous_response_id", id}})));
  const Reply unstored = post_response(fixture, response_body());
  EXPECT_EQ(unstored.status, 200) << unstored.raw;
  EXPECT_EQ(json_of(unstored.body)["store"], false);
  EXPECT_NE(unstored.field("x-ccproxy-warning").find("not_stored"), std::string::npos)
      << unstored.raw;
  EXPECT_EQ(post_response(fixture, response_body({{"background", true}})).status, 503);
  other.reset();
  EXPECT_TRUE(wait_until([&] { return request_stored(fixture, "GET", id).status == 200; }));
  EXPECT_EQ(whole_response(fixture, {{"previous_response_id", id}})["store"], true);
}

}  // namespace
}  // namespace ccproxy::test
