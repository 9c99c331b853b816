#include "store/archive.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "store/archive_fixture.hpp"

namespace ccproxy::store {
namespace {

TEST_F(ArchiveTest, does_work_in_order_and_shows_reads_what_was_written_before) {
  const auto archive = open();
  std::vector<int> order;
  std::vector<bool> seen;
  Held held(*archive);
  for (int i = 0; i < 10; ++i) {
    const std::string id = "r" + std::to_string(i);
    archive->submit(begins(id), [&order, i](Result<void>) { order.push_back(2 * i); });
    archive->read(
        [&seen, id](const Responses& responses) -> Result<void> {
          seen.push_back(responses.find("me", id).value().has_value());
          return {};
        },
        [&order, i](Result<void>) { order.push_back(2 * i + 1); });
  }
  held.release();
  archive->close();
  EXPECT_EQ(seen, std::vector<bool>(10, true));
  ASSERT_EQ(order.size(), 20U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(ArchiveTest, tells_that_work_is_done_when_others_can_see_it) {
  const auto archive = open();
  std::promise<std::int64_t> seen;
  archive->submit(begins("r1"), [&](Result<void>) { seen.set_value(committed()); });
  EXPECT_EQ(seen.get_future().get(), 1);
}

TEST_F(ArchiveTest, commits_what_waits_together_up_to_a_limit) {
  const auto archive = open();
  std::vector<std::int64_t> seen;
  Held held(*archive);
  for (int i = 0; i < 300; ++i)
    archive->submit(begins("r" + std::to_string(i)), [this, &seen, i](Result<void>) {
      if (i % 250 == 0 || i == 299) seen.push_back(committed());
    });
  EXPECT_EQ(archive->queued(), 301U);
  held.release();
  archive->close();
  EXPECT_EQ(seen, (std::vector<std::int64_t>{256, 256, 300}));
  EXPECT_EQ(archive->queued(), 0U);
}

TEST_F(ArchiveTest, undoes_work_that_fails_and_nothing_else) {
  const auto archive = open();
  std::vector<bool> told;
  const auto note = [&](Result<void> result) { told.push_back(result.has_value()); };
  Held held(*archive);
  archive->submit(begins("r1"), note);
  archive->submit(
      [](Responses& responses) -> Result<void> {
        if (auto begun = responses.begin(response("r2"), {}); !begun) return begun;
        return responses.update("nothing", Status::kFailed, "");
      },
      note);
  archive->submit(begins("r1"), note);  // once more: its id is taken
  archive->submit(begins("r3"), note);
  held.release();
  EXPECT_TRUE(find(*archive, "r1"));
  EXPECT_FALSE(find(*archive, "r2"));
  EXPECT_TRUE(find(*archive, "r3"));
  EXPECT_EQ(told, (std::vector<bool>{true, false, false, true}));
}

// It was told to nobody and ended the program: no thread but the archive's stands behind it.
TEST_F(ArchiveTest, lives_on_when_work_throws) {
  struct Row {
    const char* says;
    std::function<void()> throws;
  };
  const std::vector<Row> rows = {{"memory", [] { throw std::bad_alloc(); }},
                                 {"a bug", [] { throw std::runtime_error("a bug"); }}};
  const auto archive = open();
  int count = 0;
  for (const auto& [says, throws] : rows) {
    SCOPED_TRACE(says);
    const std::string before = "b" + std::to_string(count), behind = "c" + std::to_string(count);
    const std::string itself = "r" + std::to_string(count++);
    std::vector<Result<void>> told;
    const auto note = [&](Result<void> result) { told.push_back(std::move(result)); };
    const auto write = [itself, throws = throws](Responses& responses) -> Result<void> {
      auto begun = responses.begin(response(itself), {});
      throws();
      return begun;
    };
    const auto look = [throws = throws](const Responses&) -> Result<void> {
      throws();
      return {};
    };
    Held held(*archive);
    archive->submit(begins(before), note);
    archive->submit(write, note);
    archive->submit(begins(behind), note);
    archive->read(look, note);
    held.release();
    EXPECT_TRUE(find(*archive, before)) << "one transaction with what threw";
    EXPECT_FALSE(find(*archive, itself)) << "undone";
    EXPECT_TRUE(find(*archive, behind));
    ASSERT_EQ(told.size(), 4U);
    EXPECT_TRUE(told[0]);
    EXPECT_TRUE(told[2]);
    for (const Result<void>& failed : {told[1], told[3]}) {
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().kind, ErrorKind::kBusy);
      EXPECT_EQ(failed.error().retry_after, std::chrono::seconds(1));
      EXPECT_NE(failed.error().message.find(says), std::string::npos) << failed.error().message;
    }
  }
}

// Whoever waits would wait for ever.
TEST_F(ArchiveTest, tells_again_when_there_was_no_memory_to_be_told) {
  const auto archive = open();
  int tries = 0;
  std::promise<bool> told;
  archive->submit(begins("r1"), [&](Result<void> result) {
    if (++tries < 3) throw std::bad_alloc();
    told.set_value(result.has_value());
  });
  EXPECT_TRUE(told.get_future().get());
  EXPECT_EQ(tries, 3);
}

TEST_F(ArchiveTest, needs_nobody_to_be_told) {
  const auto archive = open();
  archive->submit(begins("r1"), {});
  archive->read([](const Responses&) -> Result<void> { return {}; }, {});
  EXPECT_TRUE(find(*archive, "r1"));
}

TEST_F(ArchiveTest, does_all_that_was_handed_over_before_it_closes) {
  auto archive = open();
  Held held(*archive);
  for (int i = 0; i < 1000; ++i) archive->submit(begins("r" + std::to_string(i)), {});
  held.release();
  archive.reset();
  EXPECT_FALSE(std::filesystem::exists(path_ + "-wal")) << "all of it is in the file";
  EXPECT_EQ(committed(), 1000);
}

TEST_F(ArchiveTest, that_is_closed_says_so_at_once) {
  const auto archive = open();
  archive->close();
  archive->close();
  std::optional<ErrorKind> told;
  const auto note = [&](Result<void> result) { told = result.error().kind; };
  archive->submit(begins("r1"), note);
  EXPECT_EQ(told, ErrorKind::kClosed);
  told.reset();
  archive->read([](const Responses&) -> Result<void> { return {}; }, note);
  EXPECT_EQ(told, ErrorKind::kClosed);
  archive->submit(begins("r1"), {});
  EXPECT_EQ(committed(), 0);
}

TEST_F(ArchiveTest, takes_work_from_many_threads) {
  const auto archive = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(done(*archive, begins("r" + std::to_string(t) + "_" + std::to_string(i))));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(committed(), 200);
}

TEST_F(ArchiveTest, takes_a_response_back_as_if_it_had_never_been) {
  const auto archive = open();
  const auto kept = [](Responses& responses) -> Result<void> {
    StoredResponse made = response("r1");
    if (auto begun = responses.begin(made, input_of({item("in")})); !begun) return begun;
    if (auto told = responses.append_events("r1", 0, 1, "ab"); !told) return told;
    return responses.finish("r1", Status::kCompleted, "{}", std::vector{answer("out")});
  };
  ASSERT_TRUE(done(*archive, kept));
  // The same item, in a response that stays.
  ASSERT_TRUE(done(*archive, [](Responses& responses) {
    return responses.begin(response("r0"), input_of({item("in")}));
  }));
  auto other = Database::open(path_);
  auto writing = std::optional(Transaction::begin(*other, Transaction::Kind::kWrite));
  archive->withdraw("r1");
  std::promise<void> looked;
  archive->read(
      [](const Responses& responses) -> Result<void> {
        EXPECT_FALSE(responses.find("me", "r1").value());
        EXPECT_FALSE(responses.turns("me", "r1", 10, 1000));
        EXPECT_FALSE(responses.item("me", "out").value());
        EXPECT_TRUE(responses.item("me", "in").value());
        EXPECT_FALSE(responses.input_items("me", "r1", {}));
        EXPECT_TRUE(responses.events_after("me", "r1", -1, 1000).value().empty());
        return {};
      },
      [&](const Result<void>&) { looked.set_value(); });
  EXPECT_EQ(looked.get_future().wait_for(std::chrono::seconds(2)), std::future_status::ready)
      << "nobody waits for the other process";
  EXPECT_EQ(other->number("SELECT count(*) FROM responses").value(), 2) << "they still stand there";
  writing.reset();
  for (int i = 0; i < 100 && committed() != 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(committed(), 1);
  EXPECT_TRUE(done(*archive, kept)) << "nothing is remembered of it";
  EXPECT_TRUE(find(*archive, "r1"));
}

// What waits to be written when it is taken back is never written.
TEST_F(ArchiveTest, writes_nothing_of_what_was_taken_back_before) {
  const auto archive = open();
  auto other = Database::open(path_);
  auto writing = std::optional(Transaction::begin(*other, Transaction::Kind::kWrite));
  std::promise<Result<void>> told;
  archive->submit(begins("r1"), [&](Result<void> result) { told.set_value(std::move(result)); });
  archive->withdraw("r1");
  archive->submit(begins("r2"), {});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  writing.reset();
  EXPECT_FALSE(told.get_future().get());
  EXPECT_FALSE(find(*archive, "r1"));
  EXPECT_TRUE(find(*archive, "r2"));
  EXPECT_EQ(committed(), 1);
}

TEST_F(ArchiveTest, tries_again_to_take_out_what_cannot_be_erased_yet) {
  const auto archive = open();
  ASSERT_TRUE(done(*archive, begins("r1")));
  auto other = Database::open(path_);
  ASSERT_TRUE(
      other->run_script("CREATE TRIGGER stays BEFORE DELETE ON responses BEGIN"
                        " SELECT RAISE(ABORT, 'no'); END"));
  archive->withdraw("r1");
  EXPECT_FALSE(find(*archive, "r1"));
  EXPECT_EQ(committed(), 1);
  ASSERT_TRUE(other->run_script("DROP TRIGGER stays"));
  for (int i = 0; i < 100 && committed() != 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(committed(), 0) << "without anybody asking";
}

TEST_F(ArchiveTest, of_a_file_that_another_one_has_open_leaves_what_runs_there_alone) {
  const auto first = open();
  ASSERT_TRUE(done(*first, begins("r1")));
  auto second = open();
  ASSERT_TRUE(done(*second, begins("r2")));
  EXPECT_EQ(find(*second, "r1")->status, Status::kInProgress);
  second.reset();
  EXPECT_EQ(find(*first, "r2")->status, Status::kInProgress) << "nobody has looked yet";
  const auto third = open();
  EXPECT_EQ(find(*third, "r1")->status, Status::kInProgress);
  EXPECT_EQ(find(*third, "r2")->status, Status::kFailed);
  EXPECT_TRUE(find(*third, "r2")->was_interrupted);
  EXPECT_TRUE(done(*first, [](Responses& responses) {
    return responses.finish("r1", Status::kCompleted, "{}", {});
  }));
}

TEST_F(ArchiveTest, that_lives_sees_to_what_ran_in_those_that_have_died) {
  const auto living = open();
  ASSERT_TRUE(done(*living, begins("r1")));
  auto dying = open();
  ASSERT_TRUE(done(*dying, begins("r2")));
  living->fail_orphans();
  EXPECT_EQ(find(*living, "r2")->status, Status::kInProgress) << "it is alive";
  dying.reset();
  living->fail_orphans();
  for (int i = 0; i < 1000 && find(*living, "r2")->status != Status::kFailed; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(find(*living, "r2")->status, Status::kFailed);
  EXPECT_TRUE(find(*living, "r2")->was_interrupted);
  EXPECT_EQ(find(*living, "r1")->status, Status::kInProgress) << "one's own";
}

// --- Bounds --------------------------------------------------------------------------------------

constexpr std::size_t kLarge = 100'000;

// One of that size that has ended, or runs.
Archive::Work large(const std::string& id, std::int64_t created, bool ends = true) {
  return [=](Responses& responses) -> Result<void> {
    StoredResponse made = response(id);
    made.created = created;
    made.object = std::string(kLarge, 'x');
    if (auto begun = responses.begin(made, {}); !begun || !ends) return begun;
    return responses.finish(id, Status::kCompleted, made.object, {});
  };
}

TEST_F(ArchiveTest, stays_within_its_limit_on_disk_after_each_commit) {
  constexpr std::uint64_t kLimit = std::uint64_t{3} << 20;
  const auto archive = open();
  archive->set_limit(kLimit);
  ASSERT_TRUE(done_with(*archive, large("runs", 0, false), kLarge));
  for (int i = 1; i <= 100; ++i) {
    ASSERT_TRUE(done_with(*archive, large("r" + std::to_string(i), i), kLarge)) << i;
    (void)find(*archive, "runs");  // behind what comes after a commit
    const auto log = path_ + "-wal";
    const std::uint64_t taken =
        std::filesystem::file_size(path_) +
        (std::filesystem::exists(log) ? std::filesystem::file_size(log) : 0);
    EXPECT_LE(taken, kLimit + kLimit / 10) << i;
  }
  EXPECT_TRUE(find(*archive, "r100"));
  EXPECT_TRUE(find(*archive, "r90"));
  EXPECT_FALSE(find(*archive, "r1")) << "the oldest go";
  EXPECT_TRUE(find(*archive, "runs")) << "but none that runs";
}

TEST_F(ArchiveTest, refuses_what_has_no_room) {
  const auto archive = open();
  archive->set_limit(std::uint64_t{2} << 20);
  std::vector<Result<void>> results;
  for (int i = 0; i < 40; ++i)
    results.push_back(done_with(*archive, large("r" + std::to_string(i), i, false), kLarge));
  EXPECT_TRUE(results.front());
  ASSERT_FALSE(results.back());
  EXPECT_EQ(results.back().error().kind, ErrorKind::kTooLarge);
  EXPECT_NE(results.back().error().message.find("store.maxMegabytes"), std::string::npos);
  EXPECT_TRUE(find(*archive, "r0")) << "it runs";
  EXPECT_TRUE(done(*archive, [](Responses& responses) {
    return responses.finish("r0", Status::kCompleted, "{}", {});
  })) << "what takes nothing is done all the same";
}

// What was told as done is there; the rest is not waited for.
TEST_F(ArchiveTest, closes_in_time) {
  auto archive = open();
  std::atomic<int> told = 0, refused = 0;
  std::atomic<bool> go = false;
  archive->read(
      [&](const Responses&) -> Result<void> {
        while (!go) std::this_thread::yield();
        return {};
      },
      {});
  for (int i = 0; i < 1000; ++i)
    archive->submit(large("r" + std::to_string(i), i),
                    [&](const Result<void>& result) { ++(result ? told : refused); });
  std::thread opens([&] {  // as soon as nothing more is taken
    for (std::atomic<bool> is_closed = false; !is_closed; std::this_thread::yield())
      archive->read([](const Responses&) -> Result<void> { return {}; },
                    [&](const Result<void>& result) { is_closed = is_closed || !result; });
    go = true;
  });
  archive->close(std::chrono::steady_clock::now());
  opens.join();
  EXPECT_EQ(told + refused, 1000);
  EXPECT_GT(refused, 500) << "only those that were under way";
  archive = open();
  for (int i = 0; i < told; ++i) EXPECT_TRUE(find(*archive, "r" + std::to_string(i)));
}

TEST_F(ArchiveTest, of_a_file_that_cannot_be_used_is_not_opened) {
  std::filesystem::create_directories(folder_ + "/home");
  std::ofstream(path_) << std::string(9000, '?');
  const auto garbage = Archive::open(path_);
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().kind, ErrorKind::kIo);
  EXPECT_NE(garbage.error().message.find(path_), std::string::npos) << garbage.error().message;
  std::filesystem::remove(path_);

  ASSERT_TRUE(Database::open(path_)->run_script("PRAGMA user_version = 99"));
  const auto newer = Archive::open(path_);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().kind, ErrorKind::kConfiguration);
  EXPECT_NE(newer.error().message.find(path_), std::string::npos) << newer.error().message;
  EXPECT_NE(newer.error().message.find("newer ccproxy"), std::string::npos);

  std::filesystem::remove(path_);
  EXPECT_TRUE(Archive::open(path_)) << "what failed holds nobody off";
}

}  // namespace
}  // namespace ccproxy::store
