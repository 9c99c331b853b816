// Tests of an archive whose file another program has locked.
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

TEST_F(LockedArchive, reads_while_another_process_writes_and_writes_afterwards) {
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
  auto reported = written.get_future();
  EXPECT_EQ(reported.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  writing.reset();
  EXPECT_TRUE(reported.get());
}

// These reads are submitted together with writes, and while the writes wait.
TEST_F(LockedArchive, reads_beside_writes_that_wait_for_another_process) {
  const auto archive = open();
  ASSERT_TRUE(run_work(*archive, begins("r0")));
  auto other = Database::open(path_);
  auto writing = std::optional(Transaction::begin(*other, Transaction::Kind::kWrite));
  std::promise<Result<void>> written;
  const auto query = [](const Responses& responses) -> Result<void> {
    EXPECT_TRUE(responses.find("me", "r0").value());
    EXPECT_FALSE(responses.find("me", "r1").value());
    return {};
  };
  std::promise<Result<void>> together, later;
  BlockedThread held(*archive);
  archive->submit(begins("r1"), [&](Result<void> result) { written.set_value(std::move(result)); });
  archive->read(query, [&](Result<void> result) { together.set_value(std::move(result)); });
  held.release();
  for (std::promise<Result<void>>* read : {&together, &later}) {
    if (read == &later)
      archive->read(query, [&](Result<void> result) { later.set_value(std::move(result)); });
    auto reported = read->get_future();
    ASSERT_EQ(reported.wait_for(std::chrono::seconds(2)), std::future_status::ready);
    EXPECT_TRUE(reported.get());
  }
  auto reported = written.get_future();
  EXPECT_EQ(reported.wait_for(std::chrono::milliseconds(0)), std::future_status::timeout);
  writing.reset();
  EXPECT_TRUE(reported.get());
  EXPECT_TRUE(find(*archive, "r1"));
}

TEST_F(LockedArchive, fails_writes_that_do_not_get_the_lock_and_no_reads) {
  const auto archive = open();
  ASSERT_TRUE(run_work(*archive, begins("r0")));
  auto other = Database::open(path_);
  auto writing = std::optional(Transaction::begin(*other, Transaction::Kind::kWrite));
  std::optional<Result<void>> written, read;
  BlockedThread held(*archive);
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

// Each has its own deadline: a later read does not wait for an earlier one.
TEST_F(LockedArchive, fails_reads_within_a_second_while_another_program_locks_them_out) {
  using std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kSoon{2500};  // a second, and what a busy machine adds
  const auto archive = open();
  ASSERT_TRUE(run_work(*archive, begins("r0")));
  auto locked = std::make_unique<ReadersLockedOut>(path_);
  for (const bool beside_writes : {false, true}) {
    SCOPED_TRACE(beside_writes);
    if (beside_writes) archive->submit(begins("r1"), {});
    std::vector<std::promise<Result<void>>> reported(4);
    std::vector<steady_clock::time_point> submitted_at;
    for (auto& one : reported) {
      archive->read([](const Responses&) -> Result<void> { return {}; },
                    [&](Result<void> result) { one.set_value(std::move(result)); });
      submitted_at.push_back(steady_clock::now());
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    for (std::size_t i = 0; i < reported.size(); ++i) {
      auto result = reported[i].get_future();
      ASSERT_EQ(result.wait_until(submitted_at[i] + kSoon), std::future_status::ready) << i;
      const Result<void> read = result.get();
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error().kind, ErrorKind::kBusy);
      EXPECT_EQ(read.error().message, "Another program has locked the store: try again.");
      EXPECT_EQ(read.error().retry_after, std::chrono::seconds(1));
    }
  }
  // This read comes after the lock is released.
  std::promise<Result<void>> reported;
  archive->read([](const Responses&) -> Result<void> { return {}; },
                [&](Result<void> result) { reported.set_value(std::move(result)); });
  locked.reset();
  EXPECT_TRUE(reported.get_future().get());
  EXPECT_TRUE(find(*archive, "r0"));
}

TEST_F(LockedArchive, closes_in_time_while_another_program_locks_readers_out) {
  const auto archive = open();
  const ReadersLockedOut locked(path_);
  std::optional<Result<void>> reported;
  archive->read([](const Responses&) -> Result<void> { return {}; },
                [&](Result<void> result) { reported = std::move(result); });
  const auto began = std::chrono::steady_clock::now();
  archive->close(began);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  EXPECT_TRUE(reported && !*reported);
}

// A file that another program has locked before the archive opens it.
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
  std::optional<Transaction> turn_{};  // is destroyed before its database
};

TEST_F(LockedArchive, opens_a_locked_file_when_it_is_free) {
  ASSERT_TRUE(run_work(*open(), begins("r0")));
  auto locked = std::make_unique<AllLocked>(path_);
  const auto archive = open();
  EXPECT_FALSE(archive->is_open());
  const auto began = std::chrono::steady_clock::now();
  std::promise<Result<void>> reported;
  archive->read([](const Responses&) -> Result<void> { return {}; },
                [&](Result<void> result) { reported.set_value(std::move(result)); });
  const Result<void> read = reported.get_future().get();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(2500));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kBusy);
  EXPECT_EQ(read.error().message, "Another program has locked the store: try again.");

  const auto written = run_work(*archive, begins("r1"), 1000);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kBusy);
  archive->withdraw("r1");
  EXPECT_EQ(archive->queued_bytes(), 0U);

  std::promise<Result<void>> later;
  archive->submit(begins("r2"), [&](Result<void> result) { later.set_value(std::move(result)); });
  locked.reset();
  EXPECT_TRUE(later.get_future().get()) << "the file was unlocked before its deadline";
  EXPECT_TRUE(archive->is_open());
  EXPECT_TRUE(find(*archive, "r0"));
  EXPECT_FALSE(find(*archive, "r1"));
  EXPECT_TRUE(find(*archive, "r2"));
  EXPECT_EQ(find(*archive, "r0")->status, Status::kFailed) << "its owner is dead";
}

TEST_F(LockedArchive, closes_at_once_while_its_file_is_locked) {
  const AllLocked locked(path_);
  const auto archive = open();
  std::optional<Result<void>> reported;
  archive->submit(begins("r1"), [&](Result<void> result) { reported = std::move(result); });
  archive->close();
  ASSERT_TRUE(reported && !*reported);
  EXPECT_EQ(reported->error().kind, ErrorKind::kClosed);
}
}  // namespace
}  // namespace ccproxy::store
