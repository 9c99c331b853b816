// Where lines of the log end up: standard error, or a file that is kept small. Blocking: only the
// thread of the log writes to it. It refuses to know what a line says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy::telemetry {

struct FileLimits {
  std::uint64_t bytes = std::uint64_t{10} << 20;  // a file that would be larger is put aside
  unsigned kept = 3;                              // how many old ones stay
};

class LogFile {
 public:
  // `path` "" is standard error. A file is made with mode 0600, and one that others could read is
  // closed to them. Fails with kIo.
  [[nodiscard]] static Result<LogFile> open(const std::string& path, FileLimits limits);

  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&&) = delete;
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  // Writes a line with its end, or as much of it as the system takes; then false. A piece that is
  // left of one is ended before the next.
  [[nodiscard]] bool write(std::string_view line);

  // Opens the path again, where another program has moved the file away. After a failure the old
  // one stays in use.
  [[nodiscard]] Result<void> reopen();

 private:
  LogFile(std::string path, FileLimits limits, int fd);
  void make_room(std::size_t size);
  void put_aside();

  std::string path_;
  FileLimits limits_;
  int fd_;
  std::uint64_t size_ = 0;  // of a file that is kept small
  bool is_regular_ = false;
  bool is_in_line_ = false;  // the last line was not written to its end
};

}  // namespace ccproxy::telemetry
