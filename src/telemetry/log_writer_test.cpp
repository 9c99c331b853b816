#include "telemetry/log_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <new>
#include <sstream>
#include <string>
#include <thread>

#include "base/clock.hpp"

namespace ccproxy::telemetry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Logging : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ccproxy-log-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/ccproxy.log";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string text(const std::string& name = "ccproxy.log") const {
    std::ifstream file(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static LogWriter::Notices notices() {
    return {[](std::uint64_t count) { return std::to_string(count) + " left out"; },
            [](const std::string& why) { return "failed: " + why; }};
  }
  [[nodiscard]] LogFile open(FileLimits limits = {}) const {
    auto file = LogFile::open(path_, limits);
    EXPECT_TRUE(file) << file.error().message;
    return std::move(*file);
  }
  static bool until(const std::function<bool()>& is_so) {
    for (const auto end = Clock::now() + seconds(30); Clock::now() < end;) {
      if (is_so()) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }

  std::string folder_, path_;
};

TEST_F(Logging, writes_every_line_in_order_before_it_ends) {
  std::string all;
  {
    LogWriter writer(open(), notices());
    for (int i = 0; i < 1000; ++i) {
      all += std::to_string(i) + "\n";
      writer.write(std::to_string(i));
    }
  }
  EXPECT_EQ(text(), all);
}

TEST_F(Logging, makes_its_file_private) {
  std::ofstream(path_) << "old\n";
  ::chmod(path_.c_str(), 0644);
  { LogWriter(open(), notices()).write("new"); }
  struct stat facts {};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(text(), "old\nnew\n");
  EXPECT_EQ(LogFile::open(folder_ + "/none/x.log", {}).error().kind, ErrorKind::kIo);
}

TEST_F(Logging, rotates_a_file_that_has_grown_and_keeps_the_configured_number) {
  {
    LogWriter writer(open({100, 2}), notices());
    for (int i = 0; i < 10; ++i) writer.write(std::to_string(i) + std::string(59, 'x'));
  }
  EXPECT_EQ(text().front(), '9');
  EXPECT_EQ(text("ccproxy.1.log").front(), '8');
  EXPECT_EQ(text("ccproxy.2.log").front(), '7');
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/ccproxy.3.log"));
  struct stat facts {};
  ASSERT_EQ(::stat((folder_ + "/ccproxy.1.log").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(Logging, keeps_no_old_file_when_none_is_configured) {
  {
    LogWriter writer(open({100, 0}), notices());
    for (int i = 0; i < 10; ++i) writer.write(std::to_string(i) + std::string(59, 'x'));
  }
  EXPECT_EQ(text().front(), '9');
  const std::filesystem::directory_iterator entries(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(Logging, writes_to_a_new_file_after_another_program_has_moved_it) {
  LogWriter writer(open(), notices());
  writer.write("before");
  ASSERT_TRUE(until([&] { return text() == "before\n"; }));
  std::filesystem::rename(path_, folder_ + "/moved");
  writer.reopen();
  writer.write("after");
  EXPECT_TRUE(until([&] { return text() == "after\n"; }));
  EXPECT_EQ(text("moved"), "before\n");
}

// An exception of a notice ended the program, since nobody caught it on the thread.
TEST_F(Logging, goes_on_when_there_is_no_memory_for_its_notices) {
  std::atomic<int> tries = 0;
  LogWriter::Notices scarce = {[&tries](std::uint64_t count) {
                                 if (++tries < 2) throw std::bad_alloc();
                                 return std::to_string(count) + " left out";
                               },
                               [](const std::string&) -> std::string { throw std::bad_alloc(); }};
  LogWriter writer(open(), std::move(scarce));
  std::filesystem::rename(path_, folder_ + "/moved");
  std::filesystem::create_directory(path_);
  writer.reopen();  // fails, without memory for the notice
  writer.count_lost_line();
  writer.write("one");
  ASSERT_TRUE(until([&] { return text("moved") == "one\n1 left out\n"; })) << text("moved");
  EXPECT_EQ(tries, 2);
}

TEST_F(Logging, stays_with_its_file_when_reopening_fails) {
  LogWriter writer(open(), notices());
  std::filesystem::rename(path_, folder_ + "/moved");
  std::filesystem::create_directory(path_);
  writer.reopen();
  writer.write("after");
  EXPECT_TRUE(until([&] { return text("moved").find("after\n") != std::string::npos; }));
  EXPECT_TRUE(text("moved").starts_with("failed: ")) << text("moved");
}

// The lines of a log, and how many more it reports as left out.
struct Counts {
  int written = 0, left_out = 0;
  [[nodiscard]] int all() const { return written + left_out; }
};

// A log into a pipe that nobody read had blocked all requests.
TEST_F(Logging, waits_for_no_reader_and_reports_lost_lines_once_there_is_room) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(LogFile::open(path_, {}).error().kind, ErrorKind::kIo) << "a pipe without a reader";
  const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  constexpr int kLines = 20'000;
  LogWriter writer(open(), notices());
  for (int i = 0; i < kLines; ++i) writer.write(std::string(999, 'x'));
  // Nobody has read a byte yet: 20 MB were written into a pipe of 64 KiB. The thread reports the
  // lines that did not fit in one notice or in several, depending on its timing.
  std::string read, piece(65'536, '\0');
  const auto counts = [&read] {
    Counts all;
    std::istringstream lines(read.substr(0, read.rfind('\n') + 1));
    for (std::string line; std::getline(lines, line);)
      if (const int left_out = std::atoi(line.c_str()); left_out > 0)
        all.left_out += left_out;
      else
        ++all.written;
    return all;
  };
  EXPECT_TRUE(until([&] {
    const ssize_t got = ::read(reader, piece.data(), piece.size());
    if (got > 0) read.append(piece.data(), static_cast<std::size_t>(got));
    return got <= 0 && counts().all() >= kLines;
  }));
  EXPECT_EQ(counts().all(), kLines) << "every line is written or counted";
  EXPECT_GT(counts().left_out, kLines / 2);
  ::close(reader);
}

TEST_F(Logging, delays_the_end_for_no_longer_than_its_limit) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  const auto begun = Clock::now();
  {
    LogWriter writer(open(), notices());
    for (int i = 0; i < 1000; ++i) writer.write(std::string(999, 'x'));
  }
  EXPECT_LT(Clock::now() - begun, seconds(20));
  // The thread can write now, and ends.
  std::string piece(65'536, '\0');
  std::string read;
  EXPECT_TRUE(until([&] {
    const ssize_t got = ::read(reader, piece.data(), piece.size());
    if (got > 0) read.append(piece.data(), static_cast<std::size_t>(got));
    return read.size() == 1'000'000;
  }));
  ::close(reader);
}

// /dev/full behaves like a full disk.
TEST_F(Logging, counts_lines_on_a_full_disk_and_goes_on) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "there is no /dev/full";
  auto file = LogFile::open("/dev/full", {});
  ASSERT_TRUE(file);
  const auto begun = Clock::now();
  {
    LogWriter writer(std::move(*file), notices());
    for (int i = 0; i < 1000; ++i) writer.write("x");
  }
  EXPECT_LT(Clock::now() - begun, seconds(20)) << "the end does not try for ever";
}

}  // namespace
}  // namespace ccproxy::telemetry
