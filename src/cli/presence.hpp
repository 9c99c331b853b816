// Which servers run with this home: each keeps a small file in `<home>/running` and a lock on it
// while it runs, so that `ccproxy status` finds it wherever it listens. The system releases the
// lock of a process that dies, so a number that another process got later fools nobody.
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

// The file of this process; removed when this ends. A home that cannot be written to is no reason
// not to run: then there is no file.
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

// The servers that hold their lock; files that others left behind are removed.
[[nodiscard]] std::vector<RunningServer> running_servers(const std::string& home);

}  // namespace ccproxy::cli
