// Which archives of a database are alive, in this process and in others. Each holds a lock on a
// file of its own beside the database, and the system releases the locks of a process that dies.
// This file refuses to know what an owner owns.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/file_lock.hpp"

namespace ccproxy::store {

class Owners {
 public:
  // Becomes an owner under a new name, with a lock file in the folder `<database>.owners`. No other
  // owner can enter until settle() is called. Fails with kIo, and with kBusy after `wait`.
  [[nodiscard]] static Result<Owners> enter(
      const std::string& database, std::chrono::milliseconds wait = std::chrono::seconds(10));

  [[nodiscard]] const std::string& name() const { return name_; }

  // True when no living owner has this name. After settle() only for names that
  // stand in the tables, since their owners have entered before they wrote.
  [[nodiscard]] bool is_dead(const std::string& name) const;

  // Removes the lock files of dead owners and lets others enter. To be called when the work of the
  // dead owners has been marked.
  void settle();

  Owners(Owners&& other) noexcept;
  Owners& operator=(Owners&&) = delete;
  Owners(const Owners&) = delete;
  Owners& operator=(const Owners&) = delete;
  ~Owners();  // releases the lock and removes its file

 private:
  Owners(std::string folder, FileLock entry_lock);

  std::string folder_;
  std::optional<FileLock> entry_lock_;
  std::string name_{};
  std::optional<FileLock> lock_{};
};

}  // namespace ccproxy::store
