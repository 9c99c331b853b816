// An advisory lock that processes take in turns (flock). Two objects in one process exclude each
// other as well, and the system releases the lock of a process that dies. It refuses to know what
// the lock guards.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace ccproxy {

class FileLock {
 public:
  // Takes the lock on the file `path`, which is made when it is missing (0600, its folder 0700) and
  // stays when the lock is released. Nothing when somebody else holds it. Fails with kIo.
  [[nodiscard]] static Result<std::optional<FileLock>> try_now(const std::string& path);

  // The same, waiting for up to `limit`; blocks the thread. Fails with kBusy when it runs out.
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
