#include "store/archive.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "store/store_fixture.hpp"

namespace ccproxy::store {
namespace {

Archive::Work begins(const std::string& id) {
  return [id](Responses& responses) { return responses.begin(response(id), {}); };
}

class ArchiveTest : public StoreFolder {
 protected:
  std::unique_ptr<Archive> open() {
    auto archive = Archive::open(path_);
    EXPECT_TRUE(archive) << archive.error().message;
    return archive ? std::move(*archive) : nullptr;
  }
  // As another process sees it: only what is committed.
  std::int64_t committed() {
    auto database = Database::open(path_);
    return database->number("SELECT count(*) FROM responses").value_or(-1);
  }
  static std::optional<StoredResponse> find(Archive& archive, const std::string& id) {
    std::optional<StoredResponse> found;
    const auto look = [&](Responses& responses) -> Result<void> {
      found = responses.find("me", id).value();
      return {};
    };
    EXPECT_TRUE(done(archive, look));
    return found;
  }
};

// Keeps the archive's thread in one piece of work, so that what is handed over next comes together.
class Held {
 public:
  explicit Held(Archive& archive) {
    std::promise<void> began;
    archive.read(
        [&began, until = end_.get_future().share()](const Responses&) -> Result<void> {
          began.set_value();
          until.wait();
          return {};
        },
        {});
    began.get_future().wait();
  }
  void release() { end_.set_value(); }

 private:
  std::promise<void> end_{};
};

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

TEST_F(ArchiveTest, reads_while_another_process_writes_and_writes_when_it_is_done) {
  const auto archive = open();
  auto other = Database::open(path_);
  auto writing = std::optional(Transaction::begin(*other, Transaction::Kind::kWrite));
  std::promise<void> read;
  archive->read(
      [](const Responses& responses) -> Result<void> {
        EXPECT_FALSE(responses.find("me", "r1").value());
        return {};
      },
      [&](Result<void> result) {
        EXPECT_TRUE(result);
        read.set_value();
      });
  EXPECT_EQ(read.get_future().wait_for(std::chrono::seconds(3)), std::future_status::ready);

  std::promise<Result<void>> written;
  archive->submit(begins("r1"), [&](Result<void> result) { written.set_value(std::move(result)); });
  auto told = written.get_future();
  EXPECT_EQ(told.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  writing.reset();
  EXPECT_TRUE(told.get());
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
