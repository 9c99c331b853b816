// How many are served at once: clients, and responses that run in the background, without one. Both
// take files of the process, which the system bounds. It refuses to know what a file is open for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <utility>

namespace ccproxy::proxy {

class Places;

// Taken as long as it lives; false when there was none.
class Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept
      : of_(std::exchange(other.of_, nullptr)), taken_(std::exchange(other.taken_, nullptr)) {}
  Place& operator=(Place&&) = delete;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place();

  [[nodiscard]] explicit operator bool() const { return of_ != nullptr; }

 private:
  friend class Places;
  Place(Places& of, std::size_t& taken) : of_(&of), taken_(&taken) {}

  Places* of_ = nullptr;
  std::size_t* taken_ = nullptr;
};

// Shared by all workers; safe from every thread. Outlives what was taken of it.
class Places {
 public:
  // A client's connection and the one that may be opened for it to the upstream.
  static constexpr std::size_t kFilesOfClient = 2;
  // The connection to the upstream alone: whoever asked has a place of its own.
  static constexpr std::size_t kFilesOfBackground = 1;

  // At most `most` clients, and as many in the background, which together have at most `files`
  // open. What is taken already stays.
  void bound(std::size_t most, std::size_t files) {
    const std::lock_guard lock(mutex_);
    most_ = most;
    files_ = files;
  }

  [[nodiscard]] Place take_client() {
    const std::lock_guard lock(mutex_);
    if (clients_ >= most_ || files_taken() + kFilesOfClient > files_) return {};
    ++clients_;
    return {*this, clients_};
  }

  // Half of the files, and those of one client at least, are never for these.
  [[nodiscard]] Place take_background() {
    const std::lock_guard lock(mutex_);
    const std::size_t kept = std::max(files_ / 2, std::min(files_, kFilesOfClient));
    const std::size_t next = kFilesOfBackground * (background_ + 1);
    if (background_ >= most_ || next > files_ - kept || files_taken() + kFilesOfBackground > files_)
      return {};
    ++background_;
    return {*this, background_};
  }

 private:
  friend class Place;
  [[nodiscard]] std::size_t files_taken() const {
    return kFilesOfClient * clients_ + kFilesOfBackground * background_;
  }
  void give_back(std::size_t& taken) {
    const std::lock_guard lock(mutex_);
    --taken;
  }

  std::mutex mutex_;
  std::size_t most_ = 0, files_ = 0;
  std::size_t clients_ = 0, background_ = 0;
};

inline Place::~Place() {
  if (of_ != nullptr) of_->give_back(*taken_);
}

}  // namespace ccproxy::proxy
