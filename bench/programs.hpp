// Programs that are measured: where they listen, what the system says of them (Linux: /proc), and a
// folder for what they need.
#pragma once

#include <sys/types.h>

#include <string>

#include "support/process.hpp"

namespace ccproxy::bench {

// Nanoseconds that all threads of a process have run.
[[nodiscard]] double cpu_ns(pid_t pid);

// Such as "RssAnon" or "VmHWM", in KiB; -1 when there is no such line.
[[nodiscard]] long memory_kib(pid_t pid, const std::string& name);

// -1 without one.
[[nodiscard]] pid_t first_child(pid_t pid);

// Waits until the program has printed its address. Throws when it does not.
[[nodiscard]] int port_of(const test::Process& process);

// Is gone with its owner.
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
