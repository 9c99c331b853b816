// Programs that are measured: their ports, their CPU time and memory from /proc (Linux), and a
// folder for their files.
#pragma once

#include <sys/types.h>

#include <string>

#include "support/process.hpp"

namespace ccproxy::bench {

// Returns the nanoseconds that all threads of a process have run.
[[nodiscard]] double cpu_ns(pid_t pid);

// Returns a line of the process's status in KiB, such as "RssAnon" or "VmHWM"; -1 when there is
// none.
[[nodiscard]] long memory_kib(pid_t pid, const std::string& name);

// Returns -1 when the process has no child.
[[nodiscard]] pid_t first_child(pid_t pid);

// Waits until the program has printed its address and returns the port. Throws when it does not
// print one.
[[nodiscard]] int port_of(const test::Process& process);

// A temporary folder that is removed with its owner.
struct Folder {
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;
  ~Folder();
  void write(const std::string& name, const std::string& text) const;

  std::string path;
};

}  // namespace ccproxy::bench
