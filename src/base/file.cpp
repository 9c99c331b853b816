#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/text.hpp"

namespace ccproxy {
namespace {

constexpr const char* kTemporarySuffix = ".new";
constexpr const char* kBackupSuffix = ".bak";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// The error of a system call that has set errno. `action` is a verb, such as "open".
tl::unexpected<Error> system_error(std::string_view action, const std::string& path) {
  const int code = errno;
  return fail(code == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
              fmt::format("cannot {} {}: {}", action, path, std::strerror(code)));
}

// Makes `bytes` the whole content of the file.
bool write_all(int fd, std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t written =
        ::pwrite(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    at += static_cast<std::size_t>(written);
  }
  return ::ftruncate(fd, static_cast<off_t>(bytes.size())) == 0;
}

// True when the open file is the one at `path`.
bool is_same_file(int fd, const std::string& path) {
  struct stat open {
  }, there{};
  return ::fstat(fd, &open) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

// True for "auth.json.a1B2c3" beside "auth.json": mkstemp() appends six letters or digits. A word
// that a person appends to a backup is not one.
bool is_random_name(std::string_view name, std::string_view file) {
  if (!name.starts_with(file)) return false;
  name.remove_prefix(file.size());
  if (name.size() != 7 || name.front() != '.' || name == ".backup" || name == ".sample")
    return false;
  return std::all_of(name.begin() + 1, name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

// True for "auth.json.bak" and "auth.json.bak.2" beside "auth.json".
bool is_backup_name(std::string_view name, std::string_view file) {
  if (!name.starts_with(file)) return false;
  name.remove_prefix(file.size());
  if (!name.starts_with(kBackupSuffix)) return false;
  name.remove_prefix(std::string_view(kBackupSuffix).size());
  return name.empty() || (name.front() == '.' && parse_decimal(name.substr(1)));
}

// True for the temporary file of a writer of the file or of a backup of it.
bool is_temporary_name(std::string_view name, std::string_view file) {
  if (is_random_name(name, file)) return true;
  if (!name.ends_with(kTemporarySuffix)) return false;
  name.remove_suffix(std::string_view(kTemporarySuffix).size());
  return name == file || is_backup_name(name, file);
}

// Creates a file that nobody else has open. One that is there already is removed first.
int make_temporary(const std::string& path) {
  ::unlink(path.c_str());
  return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

std::filesystem::path folder_of(const std::string& path) {
  const std::filesystem::path target(path);
  return target.has_parent_path() ? target.parent_path() : ".";
}

// Adds the files beside `path` whose name `matches` the name of `path`.
void add_neighbours(const std::string& path,
                    bool (*matches)(std::string_view name, std::string_view file),
                    std::vector<std::string>& found) {
  const std::string file = std::filesystem::path(path).filename().string();
  std::error_code error;
  for (std::filesystem::directory_iterator each(folder_of(path), error), end; !error && each != end;
       each.increment(error))
    if (matches(each->path().filename().string(), file)) found.push_back(each->path().string());
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_error("open", path);
  std::string bytes;
  std::array<char, 16384> piece{};
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", path);
    if (got == 0) return bytes;
    bytes.append(piece.data(), static_cast<std::size_t>(got));
    if (bytes.size() > limit)
      return fail(
          ErrorKind::kTooLarge,
          fmt::format("{} is larger than {} bytes, the most this file may have", path, limit));
  }
}

Result<void> replace_file(const std::string& path, std::string_view bytes) {
  auto replacement = Replacement::prepare(path, 0);
  if (!replacement) return fail(replacement.error());
  return replacement->commit(bytes);
}

Result<Replacement> Replacement::prepare(const std::string& path, std::size_t reserve) {
  if (auto created = make_private_folder_of(path); !created) return fail(created.error());
  const std::string temporary = path + kTemporarySuffix;
  const int fd = make_temporary(temporary);
  if (fd < 0) return system_error("write beside", path);
  Replacement prepared(path, temporary, fd);
  if (!write_all(fd, std::string(reserve, ' ')) || ::fsync(fd) != 0)
    return system_error("write", temporary);
  return prepared;
}

Result<void> Replacement::commit(std::string_view bytes) {
  // Another writer that has held the lock since prepare() may have removed or replaced the file.
  if (!is_same_file(fd_, temporary_)) {
    const int fd = make_temporary(temporary_);
    if (fd < 0) return system_error("write beside", path_);
    ::close(std::exchange(fd_, fd));
  }
  if (!write_all(fd_, bytes) || ::fsync(fd_) != 0) return system_error("write", temporary_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return system_error("replace", path_);
  temporary_.clear();
  const Descriptor parent(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent) ::fsync(parent.get());  // some file systems refuse this; the rename is done anyway
  return {};
}

Replacement::Replacement(std::string path, std::string temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

Replacement::Replacement(Replacement&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

Replacement& Replacement::operator=(Replacement&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(fd_, other.fd_);
  return *this;
}

Replacement::~Replacement() {
  if (!temporary_.empty() && is_same_file(fd_, temporary_)) ::unlink(temporary_.c_str());
  if (fd_ >= 0) ::close(fd_);
}

std::vector<std::string> leftover_files_of(const std::string& path) {
  std::vector<std::string> found;
  add_neighbours(path, &is_temporary_name, found);
  std::error_code error;
  if (std::filesystem::is_symlink(path, error))
    add_neighbours(link_target(path), &is_temporary_name, found);
  return found;
}

std::vector<std::string> backups_of(const std::string& path) {
  std::vector<std::string> found;
  add_neighbours(path, &is_backup_name, found);
  return found;
}

FileStamp stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
#ifdef __APPLE__
  const timespec& modified = status.st_mtimespec;
  const timespec& changed = status.st_ctimespec;
#else
  const timespec& modified = status.st_mtim;
  const timespec& changed = status.st_ctim;
#endif
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {true, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          modified.tv_sec * kSecond + modified.tv_nsec, changed.tv_sec * kSecond + changed.tv_nsec};
}

Result<void> make_private_folder_of(const std::string& path) {
  const std::filesystem::path folder = folder_of(path);
  std::error_code error;
  if (std::filesystem::exists(folder, error)) return {};
  if (auto created = make_private_folder_of(folder.string()); !created) return created;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error("create", folder.string());
  return {};
}

Result<std::string> back_up_file(const std::string& path) {
  constexpr int kMaxBackups = 1000;
  auto bytes = read_file(path);
  if (!bytes) return fail(bytes.error());
  std::string backup = path + kBackupSuffix;
  struct stat status {};
  for (int number = 2; ::lstat(backup.c_str(), &status) == 0; ++number) {
    if (number > kMaxBackups)
      return fail(ErrorKind::kIo, fmt::format("there are {} copies of {} already: move some away",
                                              kMaxBackups, path));
    backup = fmt::format("{}{}.{}", path, kBackupSuffix, number);
  }
  if (auto written = replace_file(backup, *bytes); !written) return fail(written.error());
  return backup;
}

std::string link_target(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::canonical(path, error);
  return error ? path : target.string();
}

}  // namespace ccproxy
