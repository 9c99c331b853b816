// How many clients, and how many responses without a client, are served at once, so that the
// process never runs out of file descriptors. It refuses to know what a descriptor is open for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <utility>

namespace ccproxy::proxy {

class DescriptorBudget;

// The descriptors of one client, or of one background response, for as long as it lives. One that
// converts to false reserves nothing.
class DescriptorReservation {
 public:
  DescriptorReservation() = default;
  DescriptorReservation(DescriptorReservation&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        count_(std::exchange(other.count_, nullptr)) {}
  DescriptorReservation& operator=(DescriptorReservation&&) = delete;
  DescriptorReservation(const DescriptorReservation&) = delete;
  DescriptorReservation& operator=(const DescriptorReservation&) = delete;
  ~DescriptorReservation();

  [[nodiscard]] explicit operator bool() const { return budget_ != nullptr; }

 private:
  friend class DescriptorBudget;
  DescriptorReservation(DescriptorBudget& budget, std::size_t& count)
      : budget_(&budget), count_(&count) {}

  DescriptorBudget* budget_ = nullptr;
  std::size_t* count_ = nullptr;
};

// Shared by all workers; safe from every thread. It must outlive its reservations.
class DescriptorBudget {
 public:
  // A client's connection, and the one to the upstream that may be opened for it.
  static constexpr std::size_t kDescriptorsPerClient = 2;
  // The connection to the upstream alone: the client that asked has a reservation of its own.
  static constexpr std::size_t kDescriptorsPerBackground = 1;

  // From now on at most `max_each` clients, and as many background responses, are served, which
  // together have at most `descriptors` open. Reservations that exist stay.
  void set_limits(std::size_t max_each, std::size_t descriptors) {
    const std::lock_guard lock(mutex_);
    max_each_ = max_each;
    descriptors_ = descriptors;
  }

  [[nodiscard]] DescriptorReservation reserve_client() {
    const std::lock_guard lock(mutex_);
    if (clients_ >= max_each_ || in_use() + kDescriptorsPerClient > descriptors_) return {};
    ++clients_;
    return {*this, clients_};
  }

  // Half of the descriptors, and those of one client at least, are never for background responses.
  [[nodiscard]] DescriptorReservation reserve_background() {
    const std::lock_guard lock(mutex_);
    const std::size_t for_clients =
        std::max(descriptors_ / 2, std::min(descriptors_, kDescriptorsPerClient));
    const std::size_t wanted = kDescriptorsPerBackground * (background_ + 1);
    if (background_ >= max_each_ || wanted > descriptors_ - for_clients ||
        in_use() + kDescriptorsPerBackground > descriptors_)
      return {};
    ++background_;
    return {*this, background_};
  }

 private:
  friend class DescriptorReservation;
  [[nodiscard]] std::size_t in_use() const {
    return kDescriptorsPerClient * clients_ + kDescriptorsPerBackground * background_;
  }
  void release(std::size_t& count) {
    const std::lock_guard lock(mutex_);
    --count;
  }

  std::mutex mutex_;
  std::size_t max_each_ = 0, descriptors_ = 0;
  std::size_t clients_ = 0, background_ = 0;
};

inline DescriptorReservation::~DescriptorReservation() {
  if (budget_ != nullptr) budget_->release(*count_);
}

}  // namespace ccproxy::proxy
