// An advisory lock on a file, for one owner at a time (flock). Two objects in one process exclude
// each other as well, and the system releases the lock of a process that dies. It refuses to know
// what the lock guards.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace ccproxy {

class FileLock {
 public:
  // Takes the lock on the file `path`, which is created when it is missing (mode 0600, its folder
  // 0700) and remains when the lock is released. Returns nothing when another owner holds the lock.
  // Fails with kIo.
  [[nodiscard]] static Result<std::optional<FileLock>> try_now(const std::string& path);

  // The same, but blocks the thread for up to `limit` while another owner holds the lock. Fails
  // with kBusy after that.
  [[nodiscard]] static Result<FileLock> wait(const std::string& path,
                                             std::chrono::milliseconds limit);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace ccproxy
