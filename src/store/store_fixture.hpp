// A test with a folder of its own for the store, and functions that build what is stored.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "store/archive.hpp"
#include "store/database.hpp"
#include "store/responses.hpp"
#include "store/schema.hpp"

namespace ccproxy::store {

class StoreFolder : public testing::Test {
 protected:
  StoreFolder() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/home/responses.db";
  }
  ~StoreFolder() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string folder_ = std::filesystem::temp_directory_path() / "ccproxy-store-XXXXXX";
  std::string path_;
};

// Another program, such as a backup, that holds the locks that readers take in SQLite's shared
// memory file. It is a process of its own, since locks do not exclude others in the same process.
class ReadersLockedOut {
 public:
  explicit ReadersLockedOut(const std::string& path) : child_(::fork()) {
    if (child_ == 0) lock_for_ever(path + "-shm", pipe_.in);
    char status = 'n';
    ::close(pipe_.in);
    EXPECT_EQ(::read(pipe_.out, &status, 1), 1);
    EXPECT_EQ(status, 'y');
  }
  ReadersLockedOut(const ReadersLockedOut&) = delete;
  ReadersLockedOut& operator=(const ReadersLockedOut&) = delete;
  ReadersLockedOut(ReadersLockedOut&&) = delete;
  ReadersLockedOut& operator=(ReadersLockedOut&&) = delete;
  ~ReadersLockedOut() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ::close(pipe_.out);
  }

 private:
  struct Pipe {
    Pipe() {
      std::array<int, 2> ends{-1, -1};
      EXPECT_EQ(::pipe(ends.data()), 0);
      out = ends[0];
      in = ends[1];
    }
    int out = -1, in = -1;
  };
  [[noreturn]] static void lock_for_ever(const std::string& file, int in) {
    struct flock readers {};
    readers.l_type = F_WRLCK;
    readers.l_whence = SEEK_SET;
    readers.l_start = 123;
    readers.l_len = 5;
    const int fd = ::open(file.c_str(), O_RDWR);
    const char status = fd >= 0 && ::fcntl(fd, F_SETLKW, &readers) == 0 ? 'y' : 'n';
    (void)!::write(in, &status, 1);
    while (true) ::pause();
  }

  Pipe pipe_{};
  pid_t child_;
};

inline StoredResponse response(std::string id, std::string previous = "") {
  StoredResponse stored;
  stored.id = std::move(id);
  stored.scope = "me";
  stored.previous = std::move(previous);
  stored.object = R"({"status":"in_progress"})";
  stored.family = "sonnet";
  stored.account = "a1";
  stored.created = 1000;
  return stored;
}

// An input item, which has no blocks.
inline StoredItem item(const std::string& id) { return {id, R"({"id":")" + id + R"("})", ""}; }
inline StoredInput input_of(const std::vector<StoredItem>& items) {
  StoredInput input;
  for (const StoredItem& each : items) {
    input.ids.add(each.id);
    input.items.add(each.json);
  }
  return input;
}
// An output item, which has blocks.
inline StoredItem output_item(const std::string& id) {
  return {id, R"({"id":")" + id + R"("})", R"({"type":"text","text":")" + id + R"("})"};
}

// Submits `work`, which writes about `bytes`, and waits until it is done.
inline Result<void> run_work(Archive& archive, Archive::Work work, std::size_t bytes = 0) {
  std::promise<Result<void>> reported;
  archive.submit(
      std::move(work), [&](Result<void> result) { reported.set_value(std::move(result)); }, bytes);
  return reported.get_future().get();
}

}  // namespace ccproxy::store
