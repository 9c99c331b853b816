#include "proxy/state/response_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "net/test_loop.hpp"
#include "proxy/state/archive_future.hpp"
#include "proxy/state/memory_budget.hpp"
#include "proxy/state/running_response.hpp"

namespace ccproxy::proxy {
namespace {

class ResponseStoreTest : public testing::Test {
 protected:
  ~ResponseStoreTest() override {
    store_.close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::shared_ptr<RunningResponse> make(net::TestLoop& loop, const std::string& id) {
    return std::make_shared<RunningResponse>(loop.runtime(), store_, budget_, store_.archive(),
                                             store::StoredResponse{.id = id, .scope = "me"},
                                             store::StoredInput{});
  }
  static std::string make_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "ccproxy-store-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    return folder;
  }

  std::string folder_ = make_folder();
  MemoryBudget budget_{std::size_t{64} << 20};
  ResponseStore store_{folder_ + "/responses.db"};
};

TEST_F(ResponseStoreTest, opens_its_archive_only_where_it_is_enabled) {
  EXPECT_TRUE(store_.configure({.enabled = false}));
  EXPECT_EQ(store_.archive(), nullptr);
  EXPECT_FALSE(std::filesystem::exists(store_.path())) << "no file is made";
  EXPECT_TRUE(store_.configure({.enabled = true}));
  EXPECT_NE(store_.archive(), nullptr);
  EXPECT_TRUE(std::filesystem::exists(store_.path()));
}

TEST_F(ResponseStoreTest, keeps_its_archive_open_while_it_is_disabled) {
  EXPECT_TRUE(store_.configure({.enabled = true}));
  const auto archive = store_.archive();
  EXPECT_TRUE(store_.configure({.enabled = false}));
  EXPECT_EQ(store_.archive(), nullptr);
  EXPECT_TRUE(store_.configure({.enabled = true}));
  EXPECT_EQ(store_.archive(), archive);
}

TEST_F(ResponseStoreTest, stores_nothing_when_the_file_cannot_be_opened) {
  std::ofstream(folder_ + "/file") << "no folder";
  ResponseStore store(folder_ + "/file/responses.db");
  EXPECT_FALSE(store.configure({.enabled = true}));
  EXPECT_EQ(store.archive(), nullptr);
  store.tick();
  store.close();
}

TEST_F(ResponseStoreTest, takes_the_limit_of_one_response_from_the_configuration) {
  EXPECT_TRUE(store_.configure({.enabled = true, .max_response_megabytes = 3}));
  EXPECT_EQ(store_.max_response_bytes(), std::size_t{3} << 20);
  EXPECT_TRUE(store_.configure({.enabled = true, .max_response_megabytes = 5}));
  EXPECT_EQ(store_.max_response_bytes(), std::size_t{5} << 20);
}

TEST_F(ResponseStoreTest, finds_a_running_response_in_its_scope_until_it_is_removed) {
  EXPECT_TRUE(store_.configure({.enabled = true}));
  net::TestLoop loop;
  auto response = make(loop, "resp_1");
  EXPECT_EQ(store_.running("me", "resp_1"), nullptr);
  store_.add(response);
  EXPECT_EQ(store_.running("me", "resp_1"), response);
  EXPECT_EQ(store_.running("somebody else", "resp_1"), nullptr);
  EXPECT_EQ(store_.running("me", "resp_2"), nullptr);
  store_.remove("resp_1");
  EXPECT_EQ(store_.running("me", "resp_1"), nullptr);
  store_.add(response);
  response.reset();
  EXPECT_EQ(store_.running("me", "resp_1"), nullptr) << "its owner has freed it";
}

// Waits for the archive's work, which includes that of a tick.
Task<void> settle(net::TestLoop& loop, store::Archive& archive) {
  while (archive.queued() > 0) co_await net::sleep(loop.runtime(), std::chrono::milliseconds(2));
  co_await net::sleep(loop.runtime(), std::chrono::milliseconds(2));
}

Task<void> tick_beyond_the_size_limit(net::TestLoop& loop, ResponseStore& store) {
  const auto archive = store.archive();
  archive->submit(
      [](store::Responses& responses) -> Result<void> {
        const store::StoredResponse large{.id = "resp_large", .scope = "me", .created = 1};
        if (auto begun = responses.begin(large, {}); !begun) return begun;
        const std::string object(std::size_t{2} << 20, ' ');
        return responses.finish("resp_large", store::Status::kCompleted, object, {});
      },
      {});
  store.tick();
  co_await settle(loop, *archive);
  std::function<Result<bool>(const store::Responses&)> is_there =
      [](const store::Responses& responses) -> Result<bool> {
    const auto found = responses.state_of("me", "resp_large");
    if (!found) return fail(found.error());
    return found->has_value();
  };
  const auto found = co_await query<bool>(loop.runtime(), archive, is_there);
  CO_ASSERT(found);
  EXPECT_FALSE(*found);
}

TEST_F(ResponseStoreTest, erases_responses_beyond_the_size_limit_when_it_ticks) {
  EXPECT_TRUE(store_.configure({.enabled = true, .max_megabytes = 1}));
  net::TestLoop loop;
  loop.run(tick_beyond_the_size_limit(loop, store_));
}

Task<void> cancel_from_another_process(net::TestLoop& loop, ResponseStore& store,
                                       ResponseStore& other,
                                       std::shared_ptr<RunningResponse> running) {
  int cancelled = 0;
  running->on_cancel([&cancelled] { ++cancelled; });
  store.add(running);
  running->add(0, "event: a\n\n");
  co_await settle(loop, *store.archive());
  other.archive()->submit(
      [](store::Responses& responses) -> Result<void> {
        EXPECT_TRUE(responses.request_cancellation("me", "resp_1").value());
        return {};
      },
      {});
  co_await settle(loop, *other.archive());
  EXPECT_EQ(cancelled, 0);
  store.tick();
  co_await settle(loop, *store.archive());
  EXPECT_EQ(cancelled, 1);
  running->close();
  co_await settle(loop, *store.archive());
}

TEST_F(ResponseStoreTest, cancels_what_another_process_asks_for_when_it_ticks) {
  EXPECT_TRUE(store_.configure({.enabled = true}));
  ResponseStore other(store_.path());
  EXPECT_TRUE(other.configure({.enabled = true}));
  net::TestLoop loop;
  loop.run(cancel_from_another_process(loop, store_, other, make(loop, "resp_1")));
  other.close();
}

Task<void> wait_for_slow_work(net::TestLoop& loop, std::shared_ptr<store::Archive> archive) {
  ArchiveFuture future(loop.runtime());
  archive->submit(
      [](store::Responses&) -> Result<void> {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return fail(ErrorKind::kNotFound, "resp_1");
      },
      future.callback());
  const auto early = co_await future.wait_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(early) << "the work is not done yet";
  const auto done = co_await future.wait();
  CO_ASSERT(!done);
  EXPECT_EQ(done.error().message, "resp_1") << "the future may be waited for again";
}

TEST_F(ResponseStoreTest, lets_an_archive_future_be_waited_for_again) {
  EXPECT_TRUE(store_.configure({.enabled = true}));
  net::TestLoop loop;
  loop.run(wait_for_slow_work(loop, store_.archive()));
}

Task<void> drop_a_future(net::TestLoop& loop, std::shared_ptr<store::Archive> archive) {
  {
    ArchiveFuture future(loop.runtime());
    archive->submit([](store::Responses&) -> Result<void> { return {}; }, future.callback());
  }
  co_await settle(loop, *archive);
}

TEST_F(ResponseStoreTest, lets_an_archive_future_be_dropped_before_its_work_is_done) {
  EXPECT_TRUE(store_.configure({.enabled = true}));
  net::TestLoop loop;
  loop.run(drop_a_future(loop, store_.archive()));
}

}  // namespace
}  // namespace ccproxy::proxy
