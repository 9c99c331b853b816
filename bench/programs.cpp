#include "programs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace ccproxy::bench {

double cpu_ns(pid_t pid) {
  double total = 0;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    std::ifstream file(task.path() / "schedstat");
    double ran = 0;
    if (file >> ran) total += ran;
  }
  return total;
}

long memory_kib(pid_t pid, const std::string& name) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ":")) return std::atol(line.c_str() + name.size() + 1);
  return -1;
}

pid_t first_child(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", pid));
  pid_t child = -1;
  file >> child;
  return child;
}

int port_of(const test::Process& process) {
  const std::string address = "http://127.0.0.1:";
  if (!process.wait_for(address)) throw std::runtime_error("it did not start: " + process.errors());
  const std::string text = process.output();
  return std::atoi(text.c_str() + text.find(address) + address.size());
}

Folder::Folder() {
  std::string name = std::filesystem::temp_directory_path() / "ccproxy-bench-XXXXXX";
  if (!::mkdtemp(name.data())) throw std::runtime_error("no folder for temporary files");
  path = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

void Folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path + "/" + name) << text;
}

}  // namespace ccproxy::bench
