#include "proxy/state/running_response.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <new>
#include <optional>
#include <string>
#include <thread>

#include "net/test_loop.hpp"

namespace ccproxy::proxy {
namespace {

class Running : public testing::Test {
 protected:
  Running() { EXPECT_TRUE(all_.configure({.enabled = true})); }
  ~Running() override {
    all_.close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::shared_ptr<RunningResponse> make(net::TestLoop& loop, bool is_background = false) {
    auto made = std::make_shared<RunningResponse>(
        loop.runtime(), all_, held_, all_.archive(),
        store::StoredResponse{.id = "resp_1", .scope = "me", .is_background = is_background},
        store::StoredInput{});
    all_.add(made);
    return made;
  }
  static std::string made_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "ccproxy-running-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    return folder;
  }

  std::string folder_ = made_folder();
  MemoryBudget held_{std::size_t{64} << 20};
  ResponseStore all_{folder_ + "/responses.db"};
};

// All of it, its end among it.
RunningResponse::News news_behind(const RunningResponse& running, std::int64_t after) {
  constexpr auto kAnyRoom = [](std::size_t) { return true; };
  auto news = running.news_behind(after, std::size_t{1} << 30, kAnyRoom);
  if (news.end) news.events += *news.end;
  return news;
}

// Waits until the archive has done what it was given, and its owner knows.
Task<void> settle(net::TestLoop& loop, store::Archive& archive) {
  while (archive.queued() > 0) co_await net::sleep(loop.runtime(), std::chrono::milliseconds(2));
  co_await net::sleep(loop.runtime(), std::chrono::milliseconds(2));
}

Task<void> told_from_memory(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                            std::shared_ptr<store::Archive> archive) {
  running->add(0, "event: a\n\n");
  running->add(1, "event: b\n\n");
  co_await settle(loop, *archive);
  running->add(2, "event: c\n\n");
  for (std::int64_t after = -1; after < 3; ++after) {
    const auto news = news_behind(*running, after);
    EXPECT_TRUE(news.is_complete) << "nothing of it has to be asked for";
    EXPECT_EQ(news.last, std::max<std::int64_t>(after, 2));
    constexpr std::string_view kAll = "event: a\n\nevent: b\n\nevent: c\n\n";
    EXPECT_EQ(news.events, kAll.substr(static_cast<std::size_t>(after + 1) * 10));
    EXPECT_FALSE(news.is_over);
  }
  // A piece that is on disk is not held any more, and one that is not yet still is.
  running->add(3, "event: " + std::string(20'000, 'd') + "\n\n");
  EXPECT_TRUE(news_behind(*running, -1).is_complete);
  running->add(4, "event: e\n\n");
  co_await settle(loop, *archive);
  EXPECT_EQ(news_behind(*running, 3).events, "event: e\n\n");
  EXPECT_FALSE(news_behind(*running, 2).is_complete);
}

// Whoever keeps up asks nobody else.
TEST_F(Running, tells_what_is_not_in_the_archive_yet) {
  net::TestLoop loop;
  const auto running = make(loop);
  loop.run(told_from_memory(loop, running, all_.archive()));
  running->close();
}

Task<void> told_at_last(std::shared_ptr<RunningResponse> running) {
  MemoryReservation hold;
  running->add(0, "event: a\n\n");
  running->end(1, "event: end\n\n");
  EXPECT_EQ(news_behind(*running, -1).events, "event: a\n\n") << "it may still become another";
  const auto kept = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  EXPECT_TRUE(kept);
  EXPECT_FALSE(news_behind(*running, 0).is_over);
  running->close();
  const auto news = news_behind(*running, 0);
  EXPECT_EQ(news.events, "event: end\n\n");
  EXPECT_EQ(news.last, 1);
  EXPECT_TRUE(news.is_over && news.is_complete);
}

TEST_F(Running, shows_its_end_when_it_is_kept) {
  net::TestLoop loop;
  const auto running = make(loop);
  loop.run(told_at_last(running));
  EXPECT_FALSE(all_.running("me", "resp_1")) << "whoever still holds it does not make it run";
}

Task<void> thrown_apart(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                        std::shared_ptr<store::Archive> archive) {
  MemoryReservation hold;
  try {
    const RunningResponse::Apart apart(*running);
    running->add(0, "event: a\n\n");
    co_await settle(loop, *archive);
    throw std::bad_alloc();
  } catch (const std::bad_alloc&) {
    running->end(1, "event: end\n\n");
  }
  const auto kept = co_await running->finish(store::Status::kFailed, "{}", {}, hold);
  EXPECT_TRUE(kept) << kept.error().message;
  running->close();
}

TEST_F(Running, hears_of_the_archive_again_when_what_was_told_apart_has_thrown) {
  net::TestLoop loop;
  loop.run(thrown_apart(loop, make(loop), all_.archive()));
}

Task<void> lost(std::shared_ptr<RunningResponse> running, ResponseStore& all) {
  MemoryReservation hold;
  running->add(0, "event: a\n\n");
  running->end(1, "event: end\n\n");
  all.close();
  const auto kept = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  CO_ASSERT(!kept);
  EXPECT_NE(kept.error().kind, ErrorKind::kNotFound) << "that would be: it was erased";
  running->end(1, "event: another end\n\n");
  running->close();
  EXPECT_EQ(news_behind(*running, 0).events, "event: another end\n\n");
}

TEST_F(Running, that_is_not_kept_ends_otherwise) {
  net::TestLoop loop;
  loop.run(lost(make(loop), all_));
}

Task<void> counted(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                   std::shared_ptr<store::Archive> archive, MemoryBudget& held) {
  MemoryReservation hold;
  const std::string large(100'000, 'x');
  running->add(0, large);
  EXPECT_GE(held.held(), large.size());
  running->add(1, "event: b\n\n");
  co_await settle(loop, *archive);
  EXPECT_LT(held.held(), large.size()) << "what is on disk is not held";
  running->end(2, large);
  const auto kept = co_await running->finish(store::Status::kCompleted, large, {}, hold);
  EXPECT_TRUE(kept);
  running->close();
}

TEST_F(Running, counts_what_waits_to_be_written) {
  net::TestLoop loop;
  loop.run(counted(loop, make(loop), all_.archive(), held_));
  all_.close();
  EXPECT_EQ(held_.held(), 0U) << "all of it was given back";
}

Task<void> too_large(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                     std::shared_ptr<store::Archive> archive) {
  MemoryReservation hold;
  const std::string event(std::size_t{300} << 10, 'x');
  for (int i = 0; i < 5; ++i) {
    running->add(i, event);
    co_await settle(loop, *archive);
  }
  running->end(5, "event: end\n\n");
  const auto kept = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  CO_ASSERT(!kept);
  EXPECT_EQ(kept.error().kind, ErrorKind::kTooLarge);
  EXPECT_NE(kept.error().message.find("store.maxResponseMegabytes"), std::string::npos);
  running->close();
}

TEST_F(Running, that_takes_too_much_is_not_kept) {
  EXPECT_TRUE(all_.configure({.enabled = true, .max_response_megabytes = 1}));
  net::TestLoop loop;
  loop.run(too_large(loop, make(loop), all_.archive()));
  all_.close();
  EXPECT_EQ(held_.held(), 0U);
}

Task<void> erased(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                  std::shared_ptr<store::Archive> archive, MemoryBudget& held) {
  MemoryReservation hold;
  EXPECT_FALSE(running->is_on_disk());
  running->add(0, "event: a\n\n");
  running->add(1, "event: b\n\n");
  co_await settle(loop, *archive);
  EXPECT_TRUE(running->is_on_disk());
  EXPECT_FALSE(news_behind(*running, -1).is_erased);
  archive->submit(
      [](store::Responses& kept) -> Result<void> {
        EXPECT_TRUE(kept.erase("me", "resp_1").value());
        return {};
      },
      {});
  running->add(2, "event: " + std::string(20'000, 'c') + "\n\n");
  running->add(3, "event: d\n\n");
  co_await settle(loop, *archive);
  EXPECT_TRUE(news_behind(*running, -1).is_erased) << "a piece of it found no response";
  EXPECT_FALSE(news_behind(*running, -1).is_over) << "its client gets the rest";
  const std::string event(100'000, 'e');
  for (int i = 4; i < 100; ++i) running->add(i, event);
  EXPECT_LT(held.held(), std::size_t{2} << 20) << "what nobody can read is not held";
  running->end(100, "event: end\n\n");
  const auto kept = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  CO_ASSERT(!kept);
  EXPECT_EQ(kept.error().kind, ErrorKind::kNotFound);
  running->close();
}

TEST_F(Running, that_is_erased_says_so_and_goes_on_for_its_client) {
  net::TestLoop loop;
  loop.run(erased(loop, make(loop), all_.archive(), held_));
}

Task<void> missed(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                  ResponseStore& all) {
  running->add(0, "event: a\n\n");
  co_await settle(loop, *all.archive());
  all.tick();
  co_await settle(loop, *all.archive());
  EXPECT_FALSE(news_behind(*running, -1).is_erased) << "it is there";
  all.archive()->submit(
      [](store::Responses& kept) -> Result<void> {
        EXPECT_TRUE(kept.erase("me", "resp_1").value());
        return {};
      },
      {});
  all.tick();
  co_await settle(loop, *all.archive());
  EXPECT_TRUE(news_behind(*running, -1).is_erased);
  running->close();
}

// Another process has erased it, and nothing more is written of it that would tell.
TEST_F(Running, that_is_not_there_any_more_is_missed) {
  net::TestLoop loop;
  loop.run(missed(loop, make(loop), all_));
}

Task<void> begun(std::shared_ptr<RunningResponse> running, std::size_t size, bool is_stored) {
  const std::string object(size, 'x');
  running->add(0, object);  // as it is created, and queued
  running->add(1, object);
  const auto kept = co_await running->begin(store::Status::kQueued, object);
  EXPECT_EQ(kept.has_value(), is_stored) << size;
  if (!kept) {
    EXPECT_EQ(kept.error().kind, ErrorKind::kTooLarge);
    EXPECT_NE(kept.error().message.find("store.maxResponseMegabytes"), std::string::npos);
  }
  running->erase();
  running->close();
}

// Its object stands in four events, and is kept: what is too much then is too much before it runs.
TEST_F(Running, that_will_take_too_much_is_not_begun) {
  EXPECT_TRUE(all_.configure({.enabled = true, .max_response_megabytes = 1}));
  net::TestLoop loop;
  loop.run(begun(make(loop, true), 209'000, true));
  loop.run(begun(make(loop, true), 210'000, false));
  all_.close();
  EXPECT_EQ(held_.held(), 0U);
}

Task<void> shared(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                  std::shared_ptr<store::Archive> archive, MemoryBudget& held) {
  MemoryReservation hold;
  const std::string large(100'000, 'x');
  running->set_object(large);
  EXPECT_EQ(held.held(), large.size());
  running->set_object(large);
  EXPECT_EQ(held.held(), large.size()) << "it takes the place of the one before it";
  running->add(0, "event: a\n\n");
  co_await settle(loop, *archive);
  EXPECT_LT(held.held(), large.size()) << "on disk";
  running->end(1, large);
  const auto kept = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  EXPECT_TRUE(kept);
  co_await settle(loop, *archive);
  running->close();
  const auto end = running->news_behind(0, 1, [](std::size_t) { return true; }).end;
  running.reset();
  EXPECT_EQ(held.held(), large.size()) << "of whoever follows it, and once for all of them";
}

TEST_F(Running, counts_its_object_and_its_last_event) {
  net::TestLoop loop;
  loop.run(shared(loop, make(loop), all_.archive(), held_));
  all_.close();
  EXPECT_EQ(held_.held(), 0U);
}

// Whoever looks for a response may be the last to hold it.
TEST_F(Running, may_go_while_others_look_for_it) {
  net::TestLoop loop;
  std::atomic<bool> is_over = false;
  std::thread looks([&] {
    while (!is_over) EXPECT_FALSE(all_.running("somebody else", "resp_1"));
  });
  for (int i = 0; i < 20'000; ++i) make(loop).reset();
  is_over = true;
  looks.join();
}

}  // namespace
}  // namespace ccproxy::proxy
