// What becomes of an archive's work while another program has its file locked.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/archive_fixture.hpp"

namespace ccproxy::store {
namespace {

using LockedArchive = ArchiveTest;

TEST_F(LockedArchive, reads_while_another_process_writes_and_writes_when_it_is_done) {
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

// Reads that were handed over together with writes, and while these wait.
TEST_F(LockedArchive, reads_beside_writes_that_wait_for_another_process) {
  const auto archive = open();
  ASSERT_TRUE(done(*archive, begins("r0")));
  auto other = Database::open(path_);
  auto writing = std::optional(Transaction::begin(*other, Transaction::Kind::kWrite));
  std::promise<Result<void>> written;
  const auto look = [](const Responses& responses) -> Result<void> {
    EXPECT_TRUE(responses.find("me", "r0").value());
    EXPECT_FALSE(responses.find("me", "r1").value());
    return {};
  };
  std::promise<Result<void>> together, later;
  Held held(*archive);
  archive->submit(begins("r1"), [&](Result<void> result) { written.set_value(std::move(result)); });
  archive->read(look, [&](Result<void> result) { together.set_value(std::move(result)); });
  held.release();
  for (std::promise<Result<void>>* read : {&together, &later}) {
    if (read == &later)
      archive->read(look, [&](Result<void> result) { later.set_value(std::move(result)); });
    auto told = read->get_future();
    ASSERT_EQ(told.wait_for(std::chrono::seconds(2)), std::future_status::ready);
    EXPECT_TRUE(told.get());
  }
  auto told = written.get_future();
  EXPECT_EQ(told.wait_for(std::chrono::milliseconds(0)), std::future_status::timeout);
  writing.reset();
  EXPECT_TRUE(told.get());
  EXPECT_TRUE(find(*archive, "r1"));
}

TEST_F(LockedArchive, fails_writes_whose_turn_does_not_come_and_no_reads) {
  const auto archive = open();
  ASSERT_TRUE(done(*archive, begins("r0")));
  auto other = Database::open(path_);
  auto writing = std::optional(Transaction::begin(*other, Transaction::Kind::kWrite));
  std::optional<Result<void>> written, read;
  Held held(*archive);
  archive->submit(begins("r1"), [&](Result<void> result) { written = std::move(result); });
  archive->read([](const Responses&) -> Result<void> { return {}; },
                [&](Result<void> result) { read = std::move(result); });
  held.release();
  archive->close();
  ASSERT_TRUE(written && read);
  ASSERT_FALSE(*written);
  EXPECT_EQ(written->error().kind, ErrorKind::kBusy) << written->error().message;
  EXPECT_TRUE(*read);
}

// Each by itself: who asks later does not wait for those who asked before.
TEST_F(LockedArchive, fails_reads_within_a_second_while_another_program_locks_them_out) {
  using std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kSoon{2500};  // a second, and what a busy machine adds
  const auto archive = open();
  ASSERT_TRUE(done(*archive, begins("r0")));
  auto locked = std::make_unique<ReadersLockedOut>(path_);
  for (const bool beside_writes : {false, true}) {
    SCOPED_TRACE(beside_writes);
    if (beside_writes) archive->submit(begins("r1"), {});
    std::vector<std::promise<Result<void>>> told(4);
    std::vector<steady_clock::time_point> asked_at;
    for (auto& one : told) {
      archive->read([](const Responses&) -> Result<void> { return {}; },
                    [&](Result<void> result) { one.set_value(std::move(result)); });
      asked_at.push_back(steady_clock::now());
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    for (std::size_t i = 0; i < told.size(); ++i) {
      auto result = told[i].get_future();
      ASSERT_EQ(result.wait_until(asked_at[i] + kSoon), std::future_status::ready) << i;
      const Result<void> read = result.get();
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error().kind, ErrorKind::kBusy);
      EXPECT_EQ(read.error().message, "Another program has locked the store: try again.");
      EXPECT_EQ(read.error().retry_after, std::chrono::seconds(1));
    }
  }
  // In time for this one.
  std::promise<Result<void>> told;
  archive->read([](const Responses&) -> Result<void> { return {}; },
                [&](Result<void> result) { told.set_value(std::move(result)); });
  locked.reset();
  EXPECT_TRUE(told.get_future().get());
  EXPECT_TRUE(find(*archive, "r0"));
}

TEST_F(LockedArchive, closes_in_time_while_another_program_locks_readers_out) {
  const auto archive = open();
  const ReadersLockedOut locked(path_);
  std::optional<Result<void>> told;
  archive->read([](const Responses&) -> Result<void> { return {}; },
                [&](Result<void> result) { told = std::move(result); });
  const auto began = std::chrono::steady_clock::now();
  archive->close(began);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  EXPECT_TRUE(told && !*told);
}

// As others may have it before this one.
class AllLocked {
 public:
  explicit AllLocked(const std::string& path) : database_(Database::open(path).value()) {
    EXPECT_TRUE(database_.run_script("PRAGMA locking_mode = EXCLUSIVE"));
    auto turn = Transaction::begin(database_, Transaction::Kind::kWrite);
    EXPECT_TRUE(turn);
    turn_.emplace(std::move(*turn));
  }

 private:
  Database database_;
  std::optional<Transaction> turn_{};  // before its database
};

TEST_F(LockedArchive, of_a_file_that_is_locked_opens_when_it_is_free) {
  ASSERT_TRUE(done(*open(), begins("r0")));
  auto locked = std::make_unique<AllLocked>(path_);
  const auto archive = open();
  EXPECT_FALSE(archive->is_open());
  const auto began = std::chrono::steady_clock::now();
  std::promise<Result<void>> told;
  archive->read([](const Responses&) -> Result<void> { return {}; },
                [&](Result<void> result) { told.set_value(std::move(result)); });
  const Result<void> read = told.get_future().get();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(2500));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kBusy);
  EXPECT_EQ(read.error().message, "Another program has locked the store: try again.");

  const auto written = done_with(*archive, begins("r1"), 1000);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kBusy);
  archive->withdraw("r1");
  EXPECT_EQ(archive->queued_bytes(), 0U);

  std::promise<Result<void>> later;
  archive->submit(begins("r2"), [&](Result<void> result) { later.set_value(std::move(result)); });
  locked.reset();
  EXPECT_TRUE(later.get_future().get()) << "in time for this one";
  EXPECT_TRUE(archive->is_open());
  EXPECT_TRUE(find(*archive, "r0"));
  EXPECT_FALSE(find(*archive, "r1"));
  EXPECT_TRUE(find(*archive, "r2"));
  EXPECT_EQ(find(*archive, "r0")->status, Status::kFailed) << "its owner is gone";
}

TEST_F(LockedArchive, of_a_file_that_is_locked_closes_at_once) {
  const AllLocked locked(path_);
  const auto archive = open();
  std::optional<Result<void>> told;
  archive->submit(begins("r1"), [&](Result<void> result) { told = std::move(result); });
  archive->close();
  ASSERT_TRUE(told && !*told);
  EXPECT_EQ(told->error().kind, ErrorKind::kClosed);
}
}  // namespace
}  // namespace ccproxy::store
