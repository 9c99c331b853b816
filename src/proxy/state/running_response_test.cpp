#include "proxy/state/running_response.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "net/test_loop.hpp"
#include "proxy/state/archive_future.hpp"
#include "proxy/state/response_store.hpp"

namespace ccproxy::proxy {
namespace {

class RunningResponseTest : public testing::Test {
 protected:
  RunningResponseTest() { EXPECT_TRUE(store_.configure({.enabled = true})); }
  ~RunningResponseTest() override {
    store_.close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::shared_ptr<RunningResponse> make(net::TestLoop& loop, bool is_background = false) {
    auto running = std::make_shared<RunningResponse>(
        loop.runtime(), store_, budget_, store_.archive(),
        store::StoredResponse{.id = "resp_1", .scope = "me", .is_background = is_background},
        store::StoredInput{});
    store_.add(running);
    return running;
  }
  static std::string make_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "ccproxy-running-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    return folder;
  }

  std::string folder_ = make_folder();
  MemoryBudget budget_{std::size_t{64} << 20};
  ResponseStore store_{folder_ + "/responses.db"};
};

using State = RunningResponse::State;
using Outcome = RunningResponse::Outcome;

// All events behind `after`, the last one among them.
RunningResponse::Batch events_after(const RunningResponse& running, std::int64_t after) {
  constexpr auto kAnyRoom = [](std::size_t) { return true; };
  auto batch = running.events_after(after, std::size_t{1} << 30, kAnyRoom);
  if (batch.end) batch.events += *batch.end;
  return batch;
}

// Waits until the archive has done its work and freed what it held, and the runner knows. Work is
// freed with its batch, after its callback: whoever is called back by the second query that follows
// comes later.
Task<void> settle(net::TestLoop& loop, store::Archive& archive) {
  while (archive.queued() > 0) co_await net::sleep(loop.runtime(), std::chrono::milliseconds(2));
  for (int i = 0; i < 2; ++i) {
    ArchiveFuture future(loop.runtime());
    archive.read([](const store::Responses&) { return Result<void>{}; }, future.callback());
    const auto done = co_await future.wait();
    EXPECT_TRUE(done);
  }
}

Task<void> read_from_memory(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                            std::shared_ptr<store::Archive> archive) {
  running->add(0, "event: a\n\n");
  running->add(1, "event: b\n\n");
  co_await settle(loop, *archive);
  running->add(2, "event: c\n\n");
  for (std::int64_t after = -1; after < 3; ++after) {
    const auto batch = events_after(*running, after);
    EXPECT_TRUE(batch.is_complete) << "nothing has to be read from the archive";
    EXPECT_EQ(batch.last, std::max<std::int64_t>(after, 2));
    constexpr std::string_view kAll = "event: a\n\nevent: b\n\nevent: c\n\n";
    EXPECT_EQ(batch.events, kAll.substr(static_cast<std::size_t>(after + 1) * 10));
    EXPECT_EQ(batch.state, State::kRunning);
  }
  // A piece that is on disk is dropped from memory, and one that is not is not.
  running->add(3, "event: " + std::string(20'000, 'd') + "\n\n");
  EXPECT_TRUE(events_after(*running, -1).is_complete);
  running->add(4, "event: e\n\n");
  co_await settle(loop, *archive);
  EXPECT_EQ(events_after(*running, 3).events, "event: e\n\n");
  EXPECT_FALSE(events_after(*running, 2).is_complete);
}

// A follower that keeps up reads nothing from the archive.
TEST_F(RunningResponseTest, shows_the_events_that_are_not_on_disk_yet) {
  net::TestLoop loop;
  const auto running = make(loop);
  loop.run(read_from_memory(loop, running, store_.archive()));
  running->close();
}

Task<void> read_the_end(std::shared_ptr<RunningResponse> running) {
  MemoryReservation hold;
  running->add(0, "event: a\n\n");
  running->end(1, "event: end\n\n");
  EXPECT_EQ(events_after(*running, -1).events, "event: a\n\n")
      << "the last event may still be replaced";
  const auto outcome = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  CO_ASSERT(outcome);
  EXPECT_EQ(*outcome, Outcome::kStored);
  EXPECT_EQ(events_after(*running, 0).state, State::kRunning) << "its client does not have it yet";
  running->close();
  const auto batch = events_after(*running, 0);
  EXPECT_EQ(batch.events, "event: end\n\n");
  EXPECT_EQ(batch.last, 1);
  EXPECT_EQ(batch.state, State::kEnded);
  EXPECT_TRUE(batch.is_complete);
}

TEST_F(RunningResponseTest, shows_its_last_event_once_it_is_over) {
  net::TestLoop loop;
  const auto running = make(loop);
  loop.run(read_the_end(running));
  EXPECT_FALSE(store_.running("me", "resp_1")) << "a follower that holds it does not make it run";
}

Task<void> throw_while_offloaded(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                                 std::shared_ptr<store::Archive> archive) {
  MemoryReservation hold;
  try {
    const RunningResponse::OffloadScope offloaded(*running);
    running->add(0, "event: a\n\n");
    co_await settle(loop, *archive);
    throw std::bad_alloc();
  } catch (const std::bad_alloc&) {
    running->end(1, "event: end\n\n");
  }
  const auto outcome = co_await running->finish(store::Status::kFailed, "{}", {}, hold);
  EXPECT_TRUE(outcome) << outcome.error().message;
  running->close();
}

TEST_F(RunningResponseTest, takes_deferred_results_when_an_offloaded_encoder_has_thrown) {
  net::TestLoop loop;
  loop.run(throw_while_offloaded(loop, make(loop), store_.archive()));
}

Task<void> fail_to_store(std::shared_ptr<RunningResponse> running, ResponseStore& store) {
  MemoryReservation hold;
  running->add(0, "event: a\n\n");
  running->end(1, "event: end\n\n");
  store.close();
  const auto outcome = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  EXPECT_FALSE(outcome) << "a response that could not be stored was not erased";
  running->end(1, "event: another end\n\n");
  running->close();
  EXPECT_EQ(events_after(*running, 0).events, "event: another end\n\n");
}

TEST_F(RunningResponseTest, replaces_its_last_event_when_it_could_not_be_stored) {
  net::TestLoop loop;
  loop.run(fail_to_store(make(loop), store_));
}

Task<void> count_pending(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                         std::shared_ptr<store::Archive> archive, MemoryBudget& budget) {
  MemoryReservation hold;
  const std::string large(100'000, 'x');
  running->add(0, large);
  EXPECT_GE(budget.held(), large.size());
  running->add(1, "event: b\n\n");
  co_await settle(loop, *archive);
  EXPECT_LT(budget.held(), large.size()) << "a piece that is on disk is not counted";
  running->end(2, large);
  const auto outcome = co_await running->finish(store::Status::kCompleted, large, {}, hold);
  EXPECT_TRUE(outcome);
  running->close();
}

TEST_F(RunningResponseTest, counts_what_is_not_on_disk_yet) {
  net::TestLoop loop;
  loop.run(count_pending(loop, make(loop), store_.archive(), budget_));
  store_.close();
  EXPECT_EQ(budget_.held(), 0U) << "all bytes were given back";
}

Task<void> grow_too_large(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                          std::shared_ptr<store::Archive> archive) {
  MemoryReservation hold;
  const std::string event(std::size_t{300} << 10, 'x');
  for (int i = 0; i < 5; ++i) {
    running->add(i, event);
    co_await settle(loop, *archive);
  }
  running->end(5, "event: end\n\n");
  const auto outcome = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  CO_ASSERT(!outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kTooLarge);
  EXPECT_NE(outcome.error().message.find("store.maxResponseMegabytes"), std::string::npos);
  running->close();
}

TEST_F(RunningResponseTest, is_not_stored_beyond_the_limit_of_one_response) {
  EXPECT_TRUE(store_.configure({.enabled = true, .max_response_megabytes = 1}));
  net::TestLoop loop;
  loop.run(grow_too_large(loop, make(loop), store_.archive()));
  store_.close();
  EXPECT_EQ(budget_.held(), 0U);
}

Task<void> erase_while_it_writes(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                                 std::shared_ptr<store::Archive> archive, MemoryBudget& budget) {
  MemoryReservation hold;
  EXPECT_FALSE(running->is_on_disk());
  running->add(0, "event: a\n\n");
  running->add(1, "event: b\n\n");
  co_await settle(loop, *archive);
  EXPECT_TRUE(running->is_on_disk());
  EXPECT_EQ(events_after(*running, -1).state, State::kRunning);
  archive->submit(
      [](store::Responses& responses) -> Result<void> {
        EXPECT_TRUE(responses.erase("me", "resp_1").value());
        return {};
      },
      {});
  running->add(2, "event: " + std::string(20'000, 'c') + "\n\n");
  running->add(3, "event: d\n\n");
  co_await settle(loop, *archive);
  EXPECT_EQ(events_after(*running, -1).state, State::kErased)
      << "a piece of it found no row, and its client still gets the rest";
  const std::string event(100'000, 'e');
  for (int i = 4; i < 100; ++i) running->add(i, event);
  EXPECT_LT(budget.held(), std::size_t{2} << 20) << "events that nobody can read are dropped";
  running->end(100, "event: end\n\n");
  const auto outcome = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  CO_ASSERT(outcome);
  EXPECT_EQ(*outcome, Outcome::kErased);
  running->close();
}

TEST_F(RunningResponseTest, notices_that_it_was_erased_when_it_writes_and_goes_on) {
  net::TestLoop loop;
  loop.run(erase_while_it_writes(loop, make(loop), store_.archive(), budget_));
}

Task<void> erase_while_it_is_silent(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                                    ResponseStore& store) {
  running->add(0, "event: a\n\n");
  co_await settle(loop, *store.archive());
  store.tick();
  co_await settle(loop, *store.archive());
  EXPECT_EQ(events_after(*running, -1).state, State::kRunning) << "its row is there";
  store.archive()->submit(
      [](store::Responses& responses) -> Result<void> {
        EXPECT_TRUE(responses.erase("me", "resp_1").value());
        return {};
      },
      {});
  store.tick();
  co_await settle(loop, *store.archive());
  EXPECT_EQ(events_after(*running, -1).state, State::kErased);
  running->close();
}

// Another process has erased it, and no further piece is written that would find that out.
TEST_F(RunningResponseTest, notices_that_it_was_erased_when_the_store_ticks) {
  net::TestLoop loop;
  loop.run(erase_while_it_is_silent(loop, make(loop), store_));
}

Task<void> begin(std::shared_ptr<RunningResponse> running, std::size_t size, bool is_stored) {
  const std::string object(size, 'x');
  running->add(0, object);  // response.created, response.queued
  running->add(1, object);
  const auto begun = co_await running->begin(store::Status::kQueued, object);
  EXPECT_EQ(begun.has_value(), is_stored) << size;
  if (!begun) {
    EXPECT_EQ(begun.error().kind, ErrorKind::kTooLarge);
    EXPECT_NE(begun.error().message.find("store.maxResponseMegabytes"), std::string::npos);
  }
  running->erase();
  running->close();
}

// Four events repeat its object, and it is stored itself: what is too large then is refused before
// the response runs.
TEST_F(RunningResponseTest, is_not_begun_when_its_end_would_be_too_large) {
  EXPECT_TRUE(store_.configure({.enabled = true, .max_response_megabytes = 1}));
  for (const auto& [size, is_stored] : {std::pair(std::size_t{209'000}, true), {210'000, false}}) {
    net::TestLoop loop;
    loop.run(begin(make(loop, true), size, is_stored));
  }
  store_.close();
  EXPECT_EQ(budget_.held(), 0U);
}

Task<void> count_object_and_end(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                                std::shared_ptr<store::Archive> archive, MemoryBudget& budget) {
  MemoryReservation hold;
  const std::string large(100'000, 'x');
  running->set_object(large);
  EXPECT_EQ(budget.held(), large.size());
  running->set_object(large);
  EXPECT_EQ(budget.held(), large.size()) << "it replaces the one before it";
  running->add(0, "event: a\n\n");
  co_await settle(loop, *archive);
  EXPECT_LT(budget.held(), large.size()) << "it is on disk";
  running->end(1, large);
  const auto outcome = co_await running->finish(store::Status::kCompleted, "{}", {}, hold);
  EXPECT_TRUE(outcome);
  co_await settle(loop, *archive);
  running->close();
  const auto end = running->events_after(0, 1, [](std::size_t) { return true; }).end;
  running.reset();
  EXPECT_EQ(budget.held(), large.size()) << "the last event is counted once for all followers";
}

TEST_F(RunningResponseTest, counts_its_object_and_its_last_event) {
  net::TestLoop loop;
  loop.run(count_object_and_end(loop, make(loop), store_.archive(), budget_));
  store_.close();
  EXPECT_EQ(budget_.held(), 0U);
}

Task<void> end_before_the_first_event(std::shared_ptr<RunningResponse> running) {
  MemoryReservation hold;
  const auto outcome = co_await running->finish(store::Status::kFailed, "{}", {}, hold);
  CO_ASSERT(outcome);
  EXPECT_EQ(*outcome, Outcome::kNotWritten);
  running->close();
  EXPECT_EQ(events_after(*running, -1).state, State::kAborted) << "it has no last event";
}

TEST_F(RunningResponseTest, writes_nothing_when_it_ends_before_its_first_event) {
  net::TestLoop loop;
  loop.run(end_before_the_first_event(make(loop)));
  EXPECT_EQ(store_.archive()->queued(), 0U);
}

Task<void> break_down(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                      std::shared_ptr<store::Archive> archive) {
  running->add(0, "event: a\n\n");
  running->add(1, "event: b\n\n");
  co_await settle(loop, *archive);
  running->close();
  const auto batch = events_after(*running, -1);
  EXPECT_EQ(batch.state, State::kAborted);
  EXPECT_EQ(batch.end, nullptr);
  co_await settle(loop, *archive);
  const auto read = [](const store::Responses& responses) {
    return responses.state_of("me", "resp_1");
  };
  const std::function<Result<std::optional<store::StoredResponse>>(const store::Responses&)>
      state_of = read;
  const auto found =
      co_await query<std::optional<store::StoredResponse>>(loop.runtime(), archive, state_of);
  CO_ASSERT(found && *found);
  EXPECT_TRUE((*found)->was_interrupted);
}

TEST_F(RunningResponseTest, is_stored_as_interrupted_when_its_runner_breaks_down) {
  net::TestLoop loop;
  loop.run(break_down(loop, make(loop), store_.archive()));
}

Task<void> wake_a_follower(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                           std::shared_ptr<store::Archive> archive) {
  const auto changed = std::make_shared<net::Event>(loop.runtime());
  running->follow(loop.runtime(), changed);
  running->add(0, "event: a\n\n");
  co_await changed->wait();
  EXPECT_EQ(events_after(*running, -1).events, "event: a\n\n");
  running->end(1, "event: end\n\n");
  running->close();
  co_await changed->wait();
  EXPECT_EQ(events_after(*running, 0).events, "event: end\n\n");
  co_await settle(loop, *archive);
}

TEST_F(RunningResponseTest, wakes_its_followers_for_each_event_and_for_the_end) {
  net::TestLoop loop;
  loop.run(wake_a_follower(loop, make(loop), store_.archive()));
}

Task<void> cancel_twice(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                        int& cancelled) {
  running->cancel();
  EXPECT_EQ(cancelled, 0) << "nothing can end it yet";
  running->on_cancel([&cancelled] { ++cancelled; });
  running->cancel();
  EXPECT_EQ(cancelled, 0) << "it is ended in the runner's loop";
  running->cancel();
  co_await net::sleep(loop.runtime(), std::chrono::milliseconds(2));
  EXPECT_EQ(cancelled, 1);
  running->close();
}

TEST_F(RunningResponseTest, is_cancelled_once) {
  net::TestLoop loop;
  int cancelled = 0;
  loop.run(cancel_twice(loop, make(loop), cancelled));
}

Task<void> read_with_little_room(net::TestLoop& loop, std::shared_ptr<RunningResponse> running,
                                 std::shared_ptr<store::Archive> archive) {
  for (int i = 0; i < 3; ++i) running->add(i, "event: a\n\n");
  const auto none = running->events_after(-1, 1'000, [](std::size_t) { return false; });
  EXPECT_EQ(none.last, -1);
  EXPECT_EQ(none.events, "");
  const auto one = running->events_after(-1, 1, [](std::size_t) { return true; });
  EXPECT_EQ(one.last, 0) << "at least one event is taken, and none beyond the limit";
  const auto rest = running->events_after(one.last, 1'000, [](std::size_t) { return true; });
  EXPECT_EQ(rest.last, 2);
  running->close();
  co_await settle(loop, *archive);
}

TEST_F(RunningResponseTest, shows_no_more_events_than_there_is_room_for) {
  net::TestLoop loop;
  loop.run(read_with_little_room(loop, make(loop), store_.archive()));
}

// The thread that looks for a response may be its last owner.
TEST_F(RunningResponseTest, may_be_freed_while_another_thread_looks_for_it) {
  net::TestLoop loop;
  std::atomic<bool> is_over = false;
  std::thread looking([&] {
    while (!is_over) EXPECT_FALSE(store_.running("somebody else", "resp_1"));
  });
  for (int i = 0; i < 20'000; ++i) make(loop).reset();
  is_over = true;
  looking.join();
}

}  // namespace
}  // namespace ccproxy::proxy
