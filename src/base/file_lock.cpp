#include "base/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "base/file.hpp"

namespace ccproxy {
namespace {

constexpr std::chrono::milliseconds kPollInterval{20};

}  // namespace

Result<std::optional<FileLock>> FileLock::try_now(const std::string& path) {
  if (auto created = make_private_folder_of(path); !created) return fail(created.error());
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return fail(ErrorKind::kIo, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  FileLock lock(fd);
  int result = 0;
  do result = ::flock(fd, LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result == 0) return std::optional<FileLock>(std::move(lock));
  if (errno == EWOULDBLOCK) return std::optional<FileLock>();
  return fail(ErrorKind::kIo, fmt::format("cannot lock {}: {}", path, std::strerror(errno)));
}

Result<FileLock> FileLock::wait(const std::string& path, std::chrono::milliseconds limit) {
  const auto give_up = std::chrono::steady_clock::now() + limit;
  while (true) {
    auto lock = try_now(path);
    if (!lock) return fail(lock.error());
    if (*lock) return std::move(**lock);
    if (std::chrono::steady_clock::now() >= give_up)
      return fail(ErrorKind::kBusy, fmt::format("another ccproxy holds {}", path));
    std::this_thread::sleep_for(kPollInterval);
  }
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace ccproxy
