#include "store/owners.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>

#include "base/file.hpp"

namespace ccproxy::store {
namespace {

constexpr const char* kEntryLock = "gate";

// The name differs from those of all owners that enter at the same time and of the dead ones. It is
// no secret.
std::string new_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

}  // namespace

Result<Owners> Owners::enter(const std::string& database, std::chrono::milliseconds wait) {
  const std::string folder = database + ".owners";
  auto entry_lock = FileLock::wait(fmt::format("{}/{}", folder, kEntryLock), wait);
  if (!entry_lock) return fail(entry_lock.error());
  Owners entered(folder, std::move(*entry_lock));
  const std::string name = new_name();
  auto lock = FileLock::try_now(fmt::format("{}/{}", folder, name));
  if (!lock) return fail(lock.error());
  if (!*lock) return fail(ErrorKind::kIo, fmt::format("cannot lock {}/{}", folder, name));
  entered.name_ = name;
  entered.lock_ = std::move(*lock);
  return entered;
}

bool Owners::is_dead(const std::string& name) const {
  if (name == name_) return false;
  const std::string path = fmt::format("{}/{}", folder_, name);
  if (!stamp_of(path).exists) return true;  // trying the lock would create the file
  const auto lock = FileLock::try_now(path);
  return lock && *lock;
}

void Owners::settle() {
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(folder_, ignored)) {
    const std::string name = file.path().filename().string();
    if (name != kEntryLock && is_dead(name)) std::filesystem::remove(file.path(), ignored);
  }
  entry_lock_.reset();
}

Owners::Owners(std::string folder, FileLock entry_lock)
    : folder_(std::move(folder)), entry_lock_(std::move(entry_lock)) {}

Owners::Owners(Owners&& other) noexcept
    : folder_(std::move(other.folder_)),
      entry_lock_(std::exchange(other.entry_lock_, std::nullopt)),
      name_(std::exchange(other.name_, {})),
      lock_(std::exchange(other.lock_, std::nullopt)) {}

Owners::~Owners() {
  std::error_code ignored;
  if (lock_) std::filesystem::remove(fmt::format("{}/{}", folder_, name_), ignored);
}

}  // namespace ccproxy::store
