// How much memory is held for clients and for the store, all workers together, and who holds it. It
// refuses to know what for.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <utility>

namespace ccproxy::proxy {

// Counts what is held, so that many together cannot take all memory. A part of it is a reserve for
// requests that are small: whoever else holds much, or many who hold little, cannot take it.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t most) : most_(most) {}

  // False when it would be too much; then nothing was taken.
  [[nodiscard]] bool take(std::size_t size) { return take(held_, size, room()); }
  [[nodiscard]] bool take_of_reserve(std::size_t size) { return take(reserved_, size, reserve()); }
  // For what is there already and cannot be refused: others wait for it.
  void take_anyway(std::size_t size) { held_.fetch_add(size); }
  void give_back(std::size_t size) { held_.fetch_sub(size); }
  void give_back_to_reserve(std::size_t size) { reserved_.fetch_sub(size); }

  void set_most(std::size_t most) { most_ = most; }
  // What there is for all but the small requests: a hold of more can never be had.
  [[nodiscard]] std::size_t room() const { return most_ - reserve(); }
  [[nodiscard]] std::size_t held() const { return held_ + reserved_; }

 private:
  static constexpr std::size_t kReserve = std::size_t{32} << 20;
  static constexpr std::size_t kReservedPart = 16;  // of a small limit

  static bool take(std::atomic<std::size_t>& from, std::size_t size, std::size_t limit) {
    if (from.fetch_add(size) + size <= limit) return true;
    from.fetch_sub(size);
    return false;
  }
  [[nodiscard]] std::size_t reserve() const { return std::min(kReserve, most_ / kReservedPart); }

  std::atomic<std::size_t> held_ = 0, reserved_ = 0;
  std::atomic<std::size_t> most_;
};

// Bytes taken from MemoryBudget, given back when it ends. One that belongs to nobody counts
// nothing.
class MemoryReservation {
 public:
  enum class For { kAnything, kRequest };

  MemoryReservation() = default;
  // One for a request may be of the reserve while it is small.
  explicit MemoryReservation(MemoryBudget& all, For what = For::kAnything)
      : all_(&all), what_(what) {}
  MemoryReservation(const MemoryReservation&) = delete;
  MemoryReservation& operator=(const MemoryReservation&) = delete;
  MemoryReservation(MemoryReservation&& other) noexcept
      : all_(other.all_),
        what_(other.what_),
        size_(std::exchange(other.size_, 0)),
        reserved_(std::exchange(other.reserved_, 0)) {}
  MemoryReservation& operator=(MemoryReservation&& other) noexcept {
    release();
    all_ = other.all_;
    what_ = other.what_;
    size_ = std::exchange(other.size_, 0);
    reserved_ = std::exchange(other.reserved_, 0);
    return *this;
  }
  ~MemoryReservation() { release(); }

  [[nodiscard]] bool grow(std::size_t size) {
    if (all_ != nullptr && !take(size)) return false;
    size_ += size;
    return true;
  }
  void grow_anyway(std::size_t size) {
    if (all_ != nullptr) all_->take_anyway(size);
    size_ += size;
  }
  void shrink(std::size_t size) {
    size = std::min(size, size_);
    size_ -= size;
    if (all_ == nullptr) return;
    const std::size_t reserved = std::min(size, reserved_);
    reserved_ -= reserved;
    all_->give_back_to_reserve(reserved);
    all_->give_back(size - reserved);
  }
  void release() { shrink(size_); }
  // What the other one has counted is counted here from now on.
  void take_over(MemoryReservation& other) {
    size_ += std::exchange(other.size_, 0);
    reserved_ += std::exchange(other.reserved_, 0);
  }
  // So much of what the other one has counted, what is of the reserve at last; what it lacks is
  // taken anyway.
  void take_from(MemoryReservation& other, std::size_t size) {
    const std::size_t there = std::min(size, other.size_);
    const std::size_t reserved = there - std::min(there, other.size_ - other.reserved_);
    other.size_ -= there;
    other.reserved_ -= reserved;
    size_ += there;
    reserved_ += reserved;
    grow_anyway(size - there);
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kSmall = std::size_t{256} << 10;

  // One that is no longer small leaves the reserve.
  bool take(std::size_t size) {
    if (size_ + size <= kSmall) {
      if (all_->take(size)) return true;
      if (what_ != For::kRequest || !all_->take_of_reserve(size)) return false;
      reserved_ += size;
      return true;
    }
    if (!all_->take(size + reserved_)) return false;
    all_->give_back_to_reserve(std::exchange(reserved_, 0));
    return true;
  }

  MemoryBudget* all_ = nullptr;
  For what_ = For::kAnything;
  std::size_t size_ = 0;
  std::size_t reserved_ = 0;  // of these, from the reserve
};

}  // namespace ccproxy::proxy
