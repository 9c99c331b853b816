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

constexpr const char* kGate = "gate";

// Unlike those of everybody who enters at the same time and of the dead; it is no secret.
std::string new_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

}  // namespace

Result<Owners> Owners::enter(const std::string& database, std::chrono::milliseconds wait) {
  const std::string folder = database + ".owners";
  auto gate = FileLock::wait(fmt::format("{}/{}", folder, kGate), wait);
  if (!gate) return fail(gate.error());
  Owners entered(folder, std::move(*gate));
  const std::string name = new_name();
  auto life = FileLock::try_now(fmt::format("{}/{}", folder, name));
  if (!life) return fail(life.error());
  if (!*life) return fail(ErrorKind::kIo, fmt::format("cannot lock {}/{}", folder, name));
  entered.name_ = name;
  entered.life_ = std::move(*life);
  return entered;
}

bool Owners::is_gone(const std::string& name) const {
  if (name == name_) return false;
  const std::string path = fmt::format("{}/{}", folder_, name);
  if (!stamp_of(path).exists) return true;  // a look must not make the file
  const auto lock = FileLock::try_now(path);
  return lock && *lock;
}

void Owners::settle() {
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(folder_, ignored)) {
    const std::string name = file.path().filename().string();
    if (name != kGate && is_gone(name)) std::filesystem::remove(file.path(), ignored);
  }
  gate_.reset();
}

Owners::Owners(std::string folder, FileLock gate)
    : folder_(std::move(folder)), gate_(std::move(gate)) {}

Owners::Owners(Owners&& other) noexcept
    : folder_(std::move(other.folder_)),
      gate_(std::exchange(other.gate_, std::nullopt)),
      name_(std::exchange(other.name_, {})),
      life_(std::exchange(other.life_, std::nullopt)) {}

Owners::~Owners() {
  std::error_code ignored;
  if (life_) std::filesystem::remove(fmt::format("{}/{}", folder_, name_), ignored);
}

}  // namespace ccproxy::store
