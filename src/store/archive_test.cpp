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
#include <variant>
#include <vector>

#include "store/archive_fixture.hpp"

namespace ccproxy::store {
namespace {

TEST_F(ArchiveTest, runs_work_in_order_and_shows_earlier_writes_to_reads) {
  const auto archive = open();
  std::vector<int> order;
  std::vector<bool> seen;
  BlockedThread held(*archive);
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

TEST_F(ArchiveTest, reports_work_as_done_when_others_can_see_it) {
  const auto archive = open();
  std::promise<std::int64_t> seen;
  archive->submit(begins("r1"), [&](Result<void>) { seen.set_value(committed()); });
  EXPECT_EQ(seen.get_future().get(), 1);
}

TEST_F(ArchiveTest, commits_waiting_work_in_batches_up_to_a_limit) {
  const auto archive = open();
  std::vector<std::int64_t> seen;
  BlockedThread held(*archive);
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

TEST_F(ArchiveTest, rolls_back_failed_work_and_nothing_else) {
  const auto archive = open();
  std::vector<bool> reported;
  const auto note = [&](Result<void> result) { reported.push_back(result.has_value()); };
  BlockedThread held(*archive);
  archive->submit(begins("r1"), note);
  archive->submit(
      [](Responses& responses) -> Result<void> {
        if (auto begun = responses.begin(response("r2"), {}); !begun) return begun;
        return responses.update("nothing", Status::kFailed, "");
      },
      note);
  archive->submit(begins("r1"), note);  // fails: the id is taken
  archive->submit(begins("r3"), note);
  held.release();
  EXPECT_TRUE(find(*archive, "r1"));
  EXPECT_FALSE(find(*archive, "r2"));
  EXPECT_TRUE(find(*archive, "r3"));
  EXPECT_EQ(reported, (std::vector<bool>{true, false, false, true}));
}

// Nobody caught such an exception on the archive's thread, and it ended the program.
TEST_F(ArchiveTest, goes_on_when_work_throws) {
  struct Row {
    const char* name;
    std::function<void()> throws;
  };
  const std::vector<Row> rows = {{"memory", [] { throw std::bad_alloc(); }},
                                 {"a bug", [] { throw std::runtime_error("a bug"); }}};
  const auto archive = open();
  int count = 0;
  for (const auto& [name, throws] : rows) {
    SCOPED_TRACE(name);
    const std::string before = "b" + std::to_string(count), behind = "c" + std::to_string(count);
    const std::string itself = "r" + std::to_string(count++);
    std::vector<Result<void>> reported;
    const auto note = [&](Result<void> result) { reported.push_back(std::move(result)); };
    const auto write = [itself, throws = throws](Responses& responses) -> Result<void> {
      auto begun = responses.begin(response(itself), {});
      throws();
      return begun;
    };
    const auto query = [throws = throws](const Responses&) -> Result<void> {
      throws();
      return {};
    };
    BlockedThread held(*archive);
    archive->submit(begins(before), note);
    archive->submit(write, note);
    archive->submit(begins(behind), note);
    archive->read(query, note);
    held.release();
    EXPECT_TRUE(find(*archive, before)) << "it shares the transaction of what threw";
    EXPECT_FALSE(find(*archive, itself)) << "it was rolled back";
    EXPECT_TRUE(find(*archive, behind));
    ASSERT_EQ(reported.size(), 4U);
    EXPECT_TRUE(reported[0]);
    EXPECT_TRUE(reported[2]);
    for (const Result<void>& failed : {reported[1], reported[3]}) {
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().kind, ErrorKind::kBusy);
      EXPECT_EQ(failed.error().retry_after, std::chrono::seconds(1));
      EXPECT_NE(failed.error().message.find(name), std::string::npos) << failed.error().message;
    }
  }
}

// A report that is lost would leave its client waiting for ever.
TEST_F(ArchiveTest, repeats_a_report_when_there_was_no_memory_for_it) {
  const auto archive = open();
  int tries = 0;
  std::promise<bool> reported;
  archive->submit(begins("r1"), [&](Result<void> result) {
    if (++tries < 3) throw std::bad_alloc();
    reported.set_value(result.has_value());
  });
  EXPECT_TRUE(reported.get_future().get());
  EXPECT_EQ(tries, 3);
}

TEST_F(ArchiveTest, accepts_work_without_a_callback) {
  const auto archive = open();
  archive->submit(begins("r1"), {});
  archive->read([](const Responses&) -> Result<void> { return {}; }, {});
  EXPECT_TRUE(find(*archive, "r1"));
}

TEST_F(ArchiveTest, runs_all_submitted_work_before_it_closes) {
  auto archive = open();
  BlockedThread held(*archive);
  for (int i = 0; i < 1000; ++i) archive->submit(begins("r" + std::to_string(i)), {});
  held.release();
  archive.reset();
  EXPECT_FALSE(std::filesystem::exists(path_ + "-wal")) << "the log was moved into the file";
  EXPECT_EQ(committed(), 1000);
}

TEST_F(ArchiveTest, refuses_work_at_once_when_it_is_closed) {
  const auto archive = open();
  archive->close();
  archive->close();
  std::optional<ErrorKind> reported;
  const auto note = [&](Result<void> result) { reported = result.error().kind; };
  archive->submit(begins("r1"), note);
  EXPECT_EQ(reported, ErrorKind::kClosed);
  reported.reset();
  archive->read([](const Responses&) -> Result<void> { return {}; }, note);
  EXPECT_EQ(reported, ErrorKind::kClosed);
  archive->submit(begins("r1"), {});
  EXPECT_EQ(committed(), 0);
}

TEST_F(ArchiveTest, accepts_work_from_many_threads) {
  const auto archive = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(run_work(*archive, begins("r" + std::to_string(t) + "_" + std::to_string(i))));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(committed(), 200);
}

TEST_F(ArchiveTest, withdraws_a_response_as_if_it_had_never_been) {
  const auto archive = open();
  const auto store_r1 = [](Responses& responses) -> Result<void> {
    StoredResponse stored = response("r1");
    if (auto begun = responses.begin(stored, input_of({item("in")})); !begun) return begun;
    if (auto appended = responses.append_events("r1", 0, 1, "ab"); !appended) return appended;
    return responses.finish("r1", Status::kCompleted, "{}", std::vector{output_item("out")});
  };
  ASSERT_TRUE(run_work(*archive, store_r1));
  // Another response, which stays, has the same item.
  ASSERT_TRUE(run_work(*archive, [](Responses& responses) {
    return responses.begin(response("r0"), input_of({item("in")}));
  }));
  auto other = Database::open(path_);
  auto writing = std::optional(Transaction::begin(*other, Transaction::Kind::kWrite));
  archive->withdraw("r1");
  std::promise<void> was_read;
  archive->read(
      [](const Responses& responses) -> Result<void> {
        EXPECT_FALSE(responses.find("me", "r1").value());
        EXPECT_FALSE(responses.turns("me", "r1", 10, 1000));
        EXPECT_FALSE(responses.item("me", "out").value());
        EXPECT_TRUE(responses.item("me", "in").value());
        EXPECT_TRUE(std::get<MissingFromPage>(responses.input_items("me", "r1", {}).value()) ==
                    MissingFromPage::kResponse);
        EXPECT_TRUE(responses.events_after("me", "r1", -1, 1000).value().empty());
        return {};
      },
      [&](const Result<void>&) { was_read.set_value(); });
  EXPECT_EQ(was_read.get_future().wait_for(std::chrono::seconds(2)), std::future_status::ready)
      << "withdrawing does not wait for the other process";
  EXPECT_EQ(other->number("SELECT count(*) FROM responses").value(), 2)
      << "the rows are still there";
  writing.reset();
  for (int i = 0; i < 100 && committed() != 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(committed(), 1);
  EXPECT_TRUE(run_work(*archive, store_r1)) << "the id can be used again";
  EXPECT_TRUE(find(*archive, "r1"));
}

// Work that waits when its response is withdrawn is never written.
TEST_F(ArchiveTest, does_not_write_waiting_work_of_a_withdrawn_response) {
  const auto archive = open();
  auto other = Database::open(path_);
  auto writing = std::optional(Transaction::begin(*other, Transaction::Kind::kWrite));
  std::promise<Result<void>> reported;
  archive->submit(begins("r1"),
                  [&](Result<void> result) { reported.set_value(std::move(result)); });
  archive->withdraw("r1");
  archive->submit(begins("r2"), {});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  writing.reset();
  EXPECT_FALSE(reported.get_future().get());
  EXPECT_FALSE(find(*archive, "r1"));
  EXPECT_TRUE(find(*archive, "r2"));
  EXPECT_EQ(committed(), 1);
}

TEST_F(ArchiveTest, retries_to_erase_withdrawn_rows_while_the_file_is_locked) {
  const auto archive = open();
  ASSERT_TRUE(run_work(*archive, begins("r1")));
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
  EXPECT_EQ(committed(), 0) << "it is erased without another call";
}

TEST_F(ArchiveTest, leaves_responses_alone_that_run_in_another_archive) {
  const auto first = open();
  ASSERT_TRUE(run_work(*first, begins("r1")));
  auto second = open();
  ASSERT_TRUE(run_work(*second, begins("r2")));
  EXPECT_EQ(find(*second, "r1")->status, Status::kInProgress);
  second.reset();
  EXPECT_EQ(find(*first, "r2")->status, Status::kInProgress) << "fail_orphans() was not called yet";
  const auto third = open();
  EXPECT_EQ(find(*third, "r1")->status, Status::kInProgress);
  EXPECT_EQ(find(*third, "r2")->status, Status::kFailed);
  EXPECT_TRUE(find(*third, "r2")->was_interrupted);
  EXPECT_TRUE(run_work(*first, [](Responses& responses) {
    return responses.finish("r1", Status::kCompleted, "{}", {});
  }));
}

TEST_F(ArchiveTest, fails_the_running_responses_of_dead_archives) {
  const auto living = open();
  ASSERT_TRUE(run_work(*living, begins("r1")));
  auto dying = open();
  ASSERT_TRUE(run_work(*dying, begins("r2")));
  living->fail_orphans();
  EXPECT_EQ(find(*living, "r2")->status, Status::kInProgress) << "its archive is alive";
  dying.reset();
  living->fail_orphans();
  for (int i = 0; i < 1000 && find(*living, "r2")->status != Status::kFailed; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(find(*living, "r2")->status, Status::kFailed);
  EXPECT_TRUE(find(*living, "r2")->was_interrupted);
  EXPECT_EQ(find(*living, "r1")->status, Status::kInProgress) << "it is this archive's own";
}

// --- Bounds --------------------------------------------------------------------------------------

constexpr std::size_t kLarge = 100'000;

// Stores a response of kLarge bytes, finished or running.
Archive::Work large(const std::string& id, std::int64_t created, bool ends = true) {
  return [=](Responses& responses) -> Result<void> {
    StoredResponse stored = response(id);
    stored.created = created;
    stored.object = std::string(kLarge, 'x');
    if (auto begun = responses.begin(stored, {}); !begun || !ends) return begun;
    return responses.finish(id, Status::kCompleted, stored.object, {});
  };
}

TEST_F(ArchiveTest, stays_within_its_disk_limit_after_each_commit) {
  constexpr std::uint64_t kLimit = std::uint64_t{3} << 20;
  const auto archive = open();
  archive->set_limit(kLimit);
  ASSERT_TRUE(run_work(*archive, large("runs", 0, false), kLarge));
  for (int i = 1; i <= 100; ++i) {
    ASSERT_TRUE(run_work(*archive, large("r" + std::to_string(i), i), kLarge)) << i;
    (void)find(*archive, "runs");  // returns after the work that follows a commit
    const auto log = path_ + "-wal";
    const std::uint64_t taken =
        std::filesystem::file_size(path_) +
        (std::filesystem::exists(log) ? std::filesystem::file_size(log) : 0);
    EXPECT_LE(taken, kLimit + kLimit / 10) << i;
  }
  EXPECT_TRUE(find(*archive, "r100"));
  EXPECT_TRUE(find(*archive, "r90"));
  EXPECT_FALSE(find(*archive, "r1")) << "the oldest are erased";
  EXPECT_TRUE(find(*archive, "runs")) << "a running one is not";
}

TEST_F(ArchiveTest, refuses_work_that_has_no_room) {
  const auto archive = open();
  archive->set_limit(std::uint64_t{2} << 20);
  std::vector<Result<void>> results;
  for (int i = 0; i < 40; ++i)
    results.push_back(run_work(*archive, large("r" + std::to_string(i), i, false), kLarge));
  EXPECT_TRUE(results.front());
  ASSERT_FALSE(results.back());
  EXPECT_EQ(results.back().error().kind, ErrorKind::kTooLarge);
  EXPECT_NE(results.back().error().message.find("store.maxMegabytes"), std::string::npos);
  EXPECT_TRUE(find(*archive, "r0")) << "it runs";
  EXPECT_TRUE(run_work(*archive, [](Responses& responses) {
    return responses.finish("r0", Status::kCompleted, "{}", {});
  })) << "work without bytes is done all the same";
}

// Work that was reported as done is there; the rest is not waited for.
TEST_F(ArchiveTest, closes_by_its_deadline) {
  auto archive = open();
  std::atomic<int> reported = 0, refused = 0;
  std::atomic<bool> go = false;
  archive->read(
      [&](const Responses&) -> Result<void> {
        while (!go) std::this_thread::yield();
        return {};
      },
      {});
  for (int i = 0; i < 1000; ++i)
    archive->submit(large("r" + std::to_string(i), i),
                    [&](const Result<void>& result) { ++(result ? reported : refused); });
  std::thread opens([&] {  // lets the work go on once the archive refuses more
    for (std::atomic<bool> is_closed = false; !is_closed; std::this_thread::yield())
      archive->read([](const Responses&) -> Result<void> { return {}; },
                    [&](const Result<void>& result) { is_closed = is_closed || !result; });
    go = true;
  });
  archive->close(std::chrono::steady_clock::now());
  opens.join();
  EXPECT_EQ(reported + refused, 1000);
  EXPECT_GT(refused, 500) << "only the work under way is finished";
  archive = open();
  for (int i = 0; i < reported; ++i) EXPECT_TRUE(find(*archive, "r" + std::to_string(i)));
}

TEST_F(ArchiveTest, does_not_open_a_file_that_it_cannot_use) {
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
  EXPECT_TRUE(Archive::open(path_)) << "a failed start leaves no lock";
}

}  // namespace
}  // namespace ccproxy::store
