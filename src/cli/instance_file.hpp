// The running servers of this home. Each has a small file in `<home>/running` and a lock on it
// while it runs, so that `ccproxy status` finds it wherever it listens. The system releases the
// lock of a process that dies, so a reused process id misleads nobody.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/file_lock.hpp"

namespace ccproxy::cli {

struct RunningServer {
  pid_t pid = 0;
  std::vector<std::string> addresses{};  // such as http://127.0.0.1:3456
};

// The file of this process, removed by the destructor. When the home cannot be written to, the
// server runs without a file.
class InstanceFile {
 public:
  InstanceFile(const std::string& home, const std::vector<std::string>& addresses);
  InstanceFile(const InstanceFile&) = delete;
  InstanceFile& operator=(const InstanceFile&) = delete;
  InstanceFile(InstanceFile&&) = delete;
  InstanceFile& operator=(InstanceFile&&) = delete;
  ~InstanceFile();

 private:
  std::string path_;
  std::optional<FileLock> lock_;
};

// Returns the servers that hold their lock, and removes the files of dead ones.
[[nodiscard]] std::vector<RunningServer> running_servers(const std::string& home);

}  // namespace ccproxy::cli
