// Tests of what is left of the store when its process is killed, and of a full disk and full
// memory. All of it happens to a child process, so that the test survives.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "store/archive.hpp"
#include "store/archive_fixture.hpp"

namespace ccproxy::store {
namespace {

class ArchiveCrash : public StoreFolder {};

const std::string kEvents(9000, 'e');

StoredItem large_input(const std::string& id) { return {id, std::string(2000, 'j'), ""}; }

// An output item has its blocks besides.
StoredItem large(const std::string& id) {
  return {id, std::string(2000, 'j'), std::string(500, 'b')};
}

// --- Killed --------------------------------------------------------------------------------------

void report(int pipe, char what, const std::string& id) {
  const std::string line = what + id + "\n";
  (void)!::write(pipe, line.data(), line.size());
}

// Begins, continues and finishes responses until it is killed, and reports which are committed:
// "b<id>" for begun, "f<id>" for finished.
[[noreturn]] void write_for_ever(const std::string& path, int pipe, int round) {
  auto archive = Archive::open(path);
  if (!archive) ::_exit(1);
  constexpr std::size_t kAhead = 30;
  for (int i = 0;; ++i) {
    while ((*archive)->queued() > kAhead) std::this_thread::yield();
    const std::string id = "r" + std::to_string(round) + "_" + std::to_string(i);
    (*archive)->submit(
        [id](Responses& responses) {
          return responses.begin(response(id), input_of({large_input("in_" + id)}));
        },
        [=](Result<void> done) {
          if (done) report(pipe, 'b', id);
        });
    (*archive)->submit(
        [id](Responses& responses) { return responses.append_events(id, 0, 9, kEvents); }, {});
    (*archive)->submit(
        [id](Responses& responses) -> Result<void> {
          auto done = responses.append_events(id, 10, 19, kEvents);
          if (!done) return done;
          return responses.finish(id, Status::kCompleted, kEvents, std::vector{large("out_" + id)});
        },
        [=](Result<void> done) {
          if (done) report(pipe, 'f', id);
        });
  }
}

struct ReportedIds {
  std::set<std::string> begun, finished;
};

// Reads that many lines, kills the child, and reads what was still in the pipe.
ReportedIds kill_after(std::size_t lines, pid_t child, int pipe) {
  std::string text;
  std::array<char, 4096> piece{};
  const auto read_some = [&] {
    const ssize_t got = ::read(pipe, piece.data(), piece.size());
    if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0;
  };
  const auto seen = [&] { return std::count(text.begin(), text.end(), '\n'); };
  while (static_cast<std::size_t>(seen()) < lines && read_some()) {
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (read_some()) {
  }
  ReportedIds reported;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line);)
    (line[0] == 'b' ? reported.begun : reported.finished).insert(line.substr(1));
  return reported;
}

void expect_whole(const Responses& responses, const std::string& id) {
  SCOPED_TRACE(id);
  const auto found = responses.find("me", id).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->status, Status::kCompleted);
  EXPECT_TRUE(found->object == kEvents);
  EXPECT_EQ(found->last_sequence, 19);
  EXPECT_EQ(responses.events_after("me", id, -1, 1 << 20)->size(), 2U);
  const auto turns = responses.turns("me", id, 1, 1 << 20);
  ASSERT_TRUE(turns);
  EXPECT_EQ(turns->front().input, std::vector{large_input("in_" + id)});
  EXPECT_EQ(turns->front().output, std::vector{large("out_" + id)});
}

void expect_integrity(Database& database) {
  Statement check = database.statement("PRAGMA integrity_check");
  ASSERT_TRUE(check.step().value());
  EXPECT_EQ(check.text(0), "ok");
  EXPECT_FALSE(database.statement("PRAGMA foreign_key_check").step().value());
}

TEST_F(ArchiveCrash, loses_nothing_that_was_reported_and_leaves_nothing_running) {
  std::mt19937 random(20261);  // NOLINT: a fixed seed
  std::size_t finished = 0;
  for (int round = 0; round < 15; ++round) {
    SCOPED_TRACE(round);
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) write_for_ever(path_, pipe[1], round);
    ::close(pipe[1]);
    const std::size_t lines = random() % 200;
    if (round % 5 == 4) std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
    const ReportedIds reported = kill_after(round % 5 == 4 ? 0 : lines, child, pipe[0]);
    ::close(pipe[0]);

    const auto archive = Archive::open(path_);  // as the next start of the program does
    ASSERT_TRUE(archive) << archive.error().message;
    const auto checks = [&](Responses& responses) -> Result<void> {
      for (const std::string& id : reported.finished) expect_whole(responses, id);
      for (const std::string& id : reported.begun) {
        const auto found = responses.find("me", id).value();
        EXPECT_TRUE(found) << id;
        if (!found || found->status == Status::kCompleted) continue;
        EXPECT_EQ(found->status, Status::kFailed) << id;
        EXPECT_TRUE(found->was_interrupted) << id;
      }
      return {};
    };
    EXPECT_TRUE(run_work(**archive, checks));
    auto database = Database::open(path_);
    expect_integrity(*database);
    EXPECT_EQ(database->number("SELECT count(*) FROM responses WHERE status IN (0, 1)").value(), 0);
    finished += reported.finished.size();
  }
  EXPECT_GT(finished, 100U) << "the child was killed before it wrote anything";
}

// --- Full ----------------------------------------------------------------------------------------

void allow_file_size(rlim_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = std::min(bytes, limit.rlim_max);
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

// Whether each response is there exactly if it was reported so. Writes differences to standard
// error.
bool matches_reports(Archive& archive, const std::vector<std::pair<std::string, bool>>& reported) {
  bool holds = true;
  const auto query = [&](Responses& responses) -> Result<void> {
    for (const auto& [id, is_there] : reported) {
      const auto found = responses.find("me", id);
      if (found && found->has_value() == is_there) continue;
      std::fprintf(stderr, "%s should%s be there\n", id.c_str(), is_there ? "" : " not");
      holds = false;
    }
    return {};
  };
  return run_work(archive, query) && holds;
}

Archive::Work begins(const std::string& id, std::size_t bytes) {
  return [=](Responses& responses) {
    StoredResponse stored = response(id);
    stored.object = std::string(bytes, 'x');
    return responses.begin(stored, {});
  };
}

// Submits work of `size` bytes among small work while the disk has no room for it. Returns the
// number of the step that failed, 0 for none.
int fill_the_disk(const std::string& path, std::size_t size) {
  ::signal(SIGXFSZ, SIG_IGN);
  auto archive = Archive::open(path);
  if (!archive) return 1;
  if (!run_work(**archive, begins("before", 10))) return 2;
  allow_file_size(std::filesystem::file_size(path + "-wal") + size / 2);
  std::vector<std::pair<std::string, bool>> reported{{"before", true}};
  BlockedThread blocked(**archive);
  for (const std::string id : {"small1", "large1", "small2", "large2", "small3"})
    (*archive)->submit(begins(id, id[0] == 'l' ? size : 10), [&reported, id](Result<void> result) {
      reported.emplace_back(id, result.has_value());
    });
  blocked.release();
  const auto full = run_work(**archive, begins("alone", size));
  if (full || full.error().kind != ErrorKind::kIo) return 3;
  if (!matches_reports(**archive, reported)) return 4;
  if (reported.size() != 6 || reported[2].second) return 5;
  allow_file_size(RLIM_INFINITY);
  if (!run_work(**archive, begins("after", size))) return 6;
  reported.emplace_back("alone", false);
  reported.emplace_back("after", true);
  (*archive)->close();
  archive = Archive::open(path);
  return archive && matches_reports(**archive, reported) ? 0 : 7;
}

// The larger one does not fit in SQLite's memory for a transaction, so it fails before the commit.
TEST_F(ArchiveCrash, survives_a_full_disk) {
  for (const std::size_t size : {300'000U, 8'000'000U}) {
    SCOPED_TRACE(size);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(fill_the_disk(path_ + std::to_string(size), size));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << status;
    EXPECT_EQ(WEXITSTATUS(status), 0) << "see fill_the_disk";
  }
}

// --- No memory -----------------------------------------------------------------------------------

bool is_out_of_memory(const Result<void>& result) {
  return !result && result.error().kind == ErrorKind::kBusy &&
         result.error().message.find("memory") != std::string::npos;
}

// Writes and reads large responses among small ones while SQLite has memory for small ones alone.
// Returns the number of the step that failed, 0 for none.
int fill_the_memory(const std::string& path) {
  constexpr std::size_t kMuch = 6'000'000;
  auto archive = Archive::open(path);
  auto limiter = Database::open(path);
  if (!archive || !limiter) return 1;
  if (!run_work(**archive, begins("large0", kMuch))) return 2;
  if (!limiter->run_script("PRAGMA hard_heap_limit = 5000000")) return 3;  // of the whole process
  const auto query = [](Responses& responses) -> Result<void> {
    const auto found = responses.find("me", "large0");
    if (!found) return fail(found.error());
    return {};
  };
  if (!is_out_of_memory(run_work(**archive, query))) return 4;
  std::vector<std::pair<std::string, bool>> reported;
  std::vector<Result<void>> results;
  BlockedThread blocked(**archive);
  for (const std::string id : {"small1", "large1", "small2", "large2", "small3"})
    (*archive)->submit(begins(id, id[0] == 'l' ? kMuch : 10), [&, id](Result<void> result) {
      reported.emplace_back(id, result.has_value());
      results.push_back(std::move(result));
    });
  blocked.release();
  if (!run_work(**archive, begins("alone", 10))) return 5;
  if (!matches_reports(**archive, reported)) return 6;
  if (reported.size() != 5 || reported[1].second || reported[3].second || !reported[4].second)
    return 7;
  for (const Result<void>& result : results)  // SQLite may roll back the whole batch
    if (!result && !is_out_of_memory(result)) return 8;
  (*archive)->close();
  return 0;
}

// A lack of memory ended the program with an exception that nobody caught.
TEST_F(ArchiveCrash, survives_full_memory) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(fill_the_memory(path_));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0) << "see fill_the_memory";
}

}  // namespace
}  // namespace ccproxy::store
