// Which archives of a database are alive, in this process and in others: each holds a lock on a
// file of its own beside the database, and the system releases the lock of a process that dies. It
// refuses to know what an owner owns.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/file_lock.hpp"

namespace ccproxy::store {

class Owners {
 public:
  // Becomes an owner under a new name, with a file in the folder `<database>.owners`. Holds off
  // everybody else who enters until settle() is called. Fails with kIo, and with kBusy after
  // `wait`.
  [[nodiscard]] static Result<Owners> enter(
      const std::string& database, std::chrono::milliseconds wait = std::chrono::seconds(10));

  [[nodiscard]] const std::string& name() const { return name_; }

  // True when nobody alive has this name. After settle() only of a name that stands in the tables:
  // whoever writes there has entered before.
  [[nodiscard]] bool is_gone(const std::string& name) const;

  // Everything that the dead left was seen to: removes their files, and lets others enter.
  void settle();

  Owners(Owners&& other) noexcept;
  Owners& operator=(Owners&&) = delete;
  Owners(const Owners&) = delete;
  Owners& operator=(const Owners&) = delete;
  ~Owners();  // is gone

 private:
  Owners(std::string folder, FileLock gate);

  std::string folder_;
  std::optional<FileLock> gate_;
  std::string name_{};
  std::optional<FileLock> life_{};
};

}  // namespace ccproxy::store
