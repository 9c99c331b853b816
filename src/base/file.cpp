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

constexpr const char* kTemporary = ".new";  // behind the name of the file that is replaced
constexpr const char* kCopy = ".bak";       // behind the name of the file that is copied

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

tl::unexpected<Error> refused(std::string_view what, const std::string& path) {
  const int code = errno;
  return fail(code == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(code)));
}

// Makes `bytes` all that is in the file.
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

// True when the open file is the one that stands at `path`.
bool is_same_file(int fd, const std::string& path) {
  struct stat open {
  }, there{};
  return ::fstat(fd, &open) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

// "auth.json.a1B2c3" of "auth.json": six letters or digits, as mkstemp makes them, which are no
// word that a person puts behind a copy.
bool is_random_name(std::string_view name, std::string_view of) {
  if (!name.starts_with(of)) return false;
  name.remove_prefix(of.size());
  if (name.size() != 7 || name.front() != '.' || name == ".backup" || name == ".sample")
    return false;
  return std::all_of(name.begin() + 1, name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

// "auth.json.bak" and "auth.json.bak.2" of "auth.json".
bool is_copy_name(std::string_view name, std::string_view of) {
  if (!name.starts_with(of)) return false;
  name.remove_prefix(of.size());
  if (!name.starts_with(kCopy)) return false;
  name.remove_prefix(std::string_view(kCopy).size());
  return name.empty() || (name.front() == '.' && parse_decimal(name.substr(1)));
}

// What a writer of the file, or of a copy of it, was about to rename.
bool is_temporary_name(std::string_view name, std::string_view of) {
  if (is_random_name(name, of)) return true;
  if (!name.ends_with(kTemporary)) return false;
  name.remove_suffix(std::string_view(kTemporary).size());
  return name == of || is_copy_name(name, of);
}

// A file that nobody else has open, whatever stood there before.
int make_temporary(const std::string& path) {
  ::unlink(path.c_str());
  return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

std::filesystem::path folder_of(const std::string& path) {
  const std::filesystem::path target(path);
  return target.has_parent_path() ? target.parent_path() : ".";
}

// Adds what stands beside `path` under a name that is one `of` its name.
void add_neighbours(const std::string& path, bool (*is_one)(std::string_view, std::string_view of),
                    std::vector<std::string>& found) {
  const std::string name = std::filesystem::path(path).filename().string();
  std::error_code error;
  for (std::filesystem::directory_iterator each(folder_of(path), error), end; !error && each != end;
       each.increment(error))
    if (is_one(each->path().filename().string(), name)) found.push_back(each->path().string());
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return refused("open", path);
  std::string bytes;
  std::array<char, 16384> piece{};
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused("read", path);
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
  if (auto made = make_private_folder_of(path); !made) return fail(made.error());
  const std::string temporary = path + kTemporary;
  const int fd = make_temporary(temporary);
  if (fd < 0) return refused("write beside", path);
  Replacement prepared(path, temporary, fd);
  if (!write_all(fd, std::string(reserve, ' ')) || ::fsync(fd) != 0)
    return refused("write", temporary);
  return prepared;
}

Result<void> Replacement::commit(std::string_view bytes) {
  // Whoever had the lock since has taken it for a left-over.
  if (!is_same_file(fd_, temporary_)) {
    const int fd = make_temporary(temporary_);
    if (fd < 0) return refused("write beside", path_);
    ::close(std::exchange(fd_, fd));
  }
  if (!write_all(fd_, bytes) || ::fsync(fd_) != 0) return refused("write", temporary_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return refused("replace", path_);
  temporary_.clear();
  const Descriptor parent(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent) ::fsync(parent.get());  // some file systems refuse this for folders; the rename holds
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

std::vector<std::string> left_overs_of(const std::string& path) {
  std::vector<std::string> found;
  add_neighbours(path, &is_temporary_name, found);
  std::error_code error;
  if (std::filesystem::is_symlink(path, error))
    add_neighbours(link_target(path), &is_temporary_name, found);
  return found;
}

std::vector<std::string> copies_of(const std::string& path) {
  std::vector<std::string> found;
  add_neighbours(path, &is_copy_name, found);
  return found;
}

FileStamp stamp_of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return {};
#ifdef __APPLE__
  const timespec& modified = facts.st_mtimespec;
  const timespec& changed = facts.st_ctimespec;
#else
  const timespec& modified = facts.st_mtim;
  const timespec& changed = facts.st_ctim;
#endif
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {true, facts.st_ino, static_cast<std::uint64_t>(facts.st_size),
          modified.tv_sec * kSecond + modified.tv_nsec, changed.tv_sec * kSecond + changed.tv_nsec};
}

Result<void> make_private_folder_of(const std::string& path) {
  const std::filesystem::path folder = folder_of(path);
  std::error_code error;
  if (std::filesystem::exists(folder, error)) return {};
  if (auto made = make_private_folder_of(folder.string()); !made) return made;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return refused("create", folder.string());
  return {};
}

Result<std::string> keep_copy(const std::string& path) {
  constexpr int kMaxCopies = 1000;
  auto bytes = read_file(path);
  if (!bytes) return fail(bytes.error());
  std::string copy = path + kCopy;
  struct stat facts {};
  for (int number = 2; ::lstat(copy.c_str(), &facts) == 0; ++number) {
    if (number > kMaxCopies)
      return fail(ErrorKind::kIo, fmt::format("there are {} copies of {} already: move some away",
                                              kMaxCopies, path));
    copy = fmt::format("{}{}.{}", path, kCopy, number);
  }
  if (auto kept = replace_file(copy, *bytes); !kept) return fail(kept.error());
  return copy;
}

std::string link_target(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::canonical(path, error);
  return error ? path : target.string();
}

}  // namespace ccproxy
