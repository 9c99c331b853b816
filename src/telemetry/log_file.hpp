// Where lines of the log go: to standard error, or to a file that is rotated. Writing blocks, so
// only the log's thread does it. It refuses to know what a line says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy::telemetry {

struct FileLimits {
  std::uint64_t bytes = std::uint64_t{10} << 20;  // a file that would grow beyond this is rotated
  unsigned old_files = 3;                         // how many old files stay
};

class LogFile {
 public:
  // An empty `path` is standard error. A file is created with mode 0600, and an existing one is set
  // to it. Fails with kIo.
  [[nodiscard]] static Result<LogFile> open(const std::string& path, FileLimits limits);

  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&&) = delete;
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  // Writes a line with its end. Returns false when the system took only a part of it; the rest of
  // that line is dropped and the next line begins on a new one.
  [[nodiscard]] bool write(std::string_view line);

  // Opens the path again, after another program has moved the file away. When that fails, the old
  // file stays in use.
  [[nodiscard]] Result<void> reopen();

 private:
  LogFile(std::string path, FileLimits limits, int fd);
  void rotate_if_needed(std::size_t size);
  void rotate();

  std::string path_;
  FileLimits limits_;
  int fd_;
  std::uint64_t size_ = 0;  // of a file that is rotated
  bool is_regular_ = false;
  bool is_line_open_ = false;  // the last line was written only in part
};

}  // namespace ccproxy::telemetry
