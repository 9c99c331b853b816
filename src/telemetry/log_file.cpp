#include "telemetry/log_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace ccproxy::telemetry {
namespace {

constexpr mode_t kOthers = 077;

Result<int> open_file(const std::string& path) {
  if (path.empty()) return STDERR_FILENO;
  // O_NONBLOCK: opening a pipe that nobody reads would block the start for ever.
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
  if (fd < 0)
    return fail(ErrorKind::kIo,
                fmt::format("cannot write the log (log.file) to {}: {}", path,
                            errno == ENXIO ? "nobody reads this pipe" : std::strerror(errno)));
  (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  struct stat facts {};
  if (::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && (facts.st_mode & kOthers) != 0)
    (void)::fchmod(fd, 0600);
  return fd;
}

// Returns the name of old file `number`, such as ccproxy.1.log beside ccproxy.log.
std::string aside_name(const std::string& path, unsigned number) {
  const std::filesystem::path whole(path);
  const std::filesystem::path name =
      fmt::format("{}.{}{}", whole.stem().string(), number, whole.extension().string());
  return (whole.parent_path() / name).string();
}

}  // namespace

Result<LogFile> LogFile::open(const std::string& path, FileLimits limits) {
  auto fd = open_file(path);
  if (!fd) return fail(fd.error());
  return LogFile(path, limits, *fd);
}

LogFile::LogFile(std::string path, FileLimits limits, int fd)
    : path_(std::move(path)), limits_(limits), fd_(fd) {
  struct stat facts {};
  is_regular_ = !path_.empty() && ::fstat(fd_, &facts) == 0 && S_ISREG(facts.st_mode);
  if (is_regular_) size_ = static_cast<std::uint64_t>(facts.st_size);
}

LogFile::LogFile(LogFile&& other) noexcept
    : path_(std::move(other.path_)),
      limits_(other.limits_),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      is_regular_(other.is_regular_),
      is_line_open_(other.is_line_open_) {}

LogFile::~LogFile() {
  if (fd_ >= 0 && fd_ != STDERR_FILENO) ::close(fd_);
}

bool LogFile::write(std::string_view line) {
  std::string text = is_line_open_ ? "\n" : "";
  text.append(line).append("\n");
  rotate_if_needed(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t written = ::write(fd_, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {  // the parent process shares it and set O_NONBLOCK
      pollfd ready{fd_, POLLOUT, 0};
      (void)::poll(&ready, 1, -1);
      continue;
    }
    if (written < 0) return false;
    at += static_cast<std::size_t>(written);
    size_ += static_cast<std::uint64_t>(written);
    is_line_open_ = at < text.size();
  }
  return true;
}

Result<void> LogFile::reopen() {
  if (path_.empty()) return {};
  auto opened = open_file(path_);
  if (!opened) return fail(opened.error());
  LogFile next(path_, limits_, *opened);
  std::swap(fd_, next.fd_);  // next closes the old one
  size_ = next.size_;
  is_regular_ = next.is_regular_;
  is_line_open_ = false;
  return {};
}

void LogFile::rotate_if_needed(std::size_t size) {
  if (!is_regular_ || size_ == 0 || size_ + size <= limits_.bytes) return;
  struct stat ours {
  }, there{};
  const bool is_ours = ::fstat(fd_, &ours) == 0 && ::stat(path_.c_str(), &there) == 0 &&
                       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
  if (is_ours) rotate();
  // Another process that writes the same log may have rotated it already.
  if (!reopen() || size_ + size <= limits_.bytes) return;
  // It could not be renamed: it is emptied, because it must not grow without bound.
  if (::ftruncate(fd_, 0) == 0) size_ = 0;
}

void LogFile::rotate() {
  if (limits_.old_files == 0) {
    (void)::unlink(path_.c_str());
    return;
  }
  for (unsigned number = limits_.old_files; number > 1; --number)
    (void)std::rename(aside_name(path_, number - 1).c_str(), aside_name(path_, number).c_str());
  (void)std::rename(path_.c_str(), aside_name(path_, 1).c_str());
}

}  // namespace ccproxy::telemetry
