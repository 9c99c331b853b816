// How many bytes all workers together hold for clients and for the store, and who holds them. It
// refuses to know what they are held for.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <utility>

namespace ccproxy::proxy {

// Counts the bytes that are held, so that many requests together cannot take all memory. A part of
// it is a reserve for small requests, which neither a few large holders nor many small ones can
// take. Safe from every thread.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Both return false, and take nothing, when the limit would be exceeded.
  [[nodiscard]] bool take(std::size_t size) { return take(held_, size, room()); }
  [[nodiscard]] bool take_of_reserve(std::size_t size) { return take(reserved_, size, reserve()); }
  // Exceeds the limit where it must: for bytes that exist already and that others wait for.
  void take_anyway(std::size_t size) { held_.fetch_add(size); }
  void give_back(std::size_t size) { held_.fetch_sub(size); }
  void give_back_to_reserve(std::size_t size) { reserved_.fetch_sub(size); }

  void set_max_bytes(std::size_t max_bytes) { max_bytes_ = max_bytes; }
  // The budget without its reserve: a reservation of more than this can never be had.
  [[nodiscard]] std::size_t room() const { return max_bytes_ - reserve(); }
  [[nodiscard]] std::size_t held() const { return held_ + reserved_; }

 private:
  static constexpr std::size_t kReserve = std::size_t{32} << 20;
  static constexpr std::size_t kReserveDivisor = 16;  // a small limit has this part as its reserve

  static bool take(std::atomic<std::size_t>& from, std::size_t size, std::size_t limit) {
    if (from.fetch_add(size) + size <= limit) return true;
    from.fetch_sub(size);
    return false;
  }
  [[nodiscard]] std::size_t reserve() const {
    return std::min(kReserve, max_bytes_ / kReserveDivisor);
  }

  std::atomic<std::size_t> held_ = 0, reserved_ = 0;
  std::atomic<std::size_t> max_bytes_;
};

// Bytes taken from a MemoryBudget, and given back by the destructor. A default-constructed one has
// no budget: it grows without limit. Used by one thread at a time.
class MemoryReservation {
 public:
  enum class For { kAnything, kRequest };

  MemoryReservation() = default;
  // A reservation for a request may take from the reserve while it is small. `budget` must outlive
  // it.
  explicit MemoryReservation(MemoryBudget& budget, For purpose = For::kAnything)
      : budget_(&budget), purpose_(purpose) {}
  MemoryReservation(const MemoryReservation&) = delete;
  MemoryReservation& operator=(const MemoryReservation&) = delete;
  MemoryReservation(MemoryReservation&& other) noexcept
      : budget_(other.budget_),
        purpose_(other.purpose_),
        size_(std::exchange(other.size_, 0)),
        reserved_(std::exchange(other.reserved_, 0)) {}
  MemoryReservation& operator=(MemoryReservation&& other) noexcept {
    release();
    budget_ = other.budget_;
    purpose_ = other.purpose_;
    size_ = std::exchange(other.size_, 0);
    reserved_ = std::exchange(other.reserved_, 0);
    return *this;
  }
  ~MemoryReservation() { release(); }

  // Returns false, and takes nothing, when the budget has no room.
  [[nodiscard]] bool grow(std::size_t size) {
    if (budget_ != nullptr && !take(size)) return false;
    size_ += size;
    return true;
  }
  // Exceeds the budget where it must.
  void grow_anyway(std::size_t size) {
    if (budget_ != nullptr) budget_->take_anyway(size);
    size_ += size;
  }
  // Gives back `size` bytes, or all where it holds fewer.
  void shrink(std::size_t size) {
    size = std::min(size, size_);
    size_ -= size;
    if (budget_ == nullptr) return;
    const std::size_t reserved = std::min(size, reserved_);
    reserved_ -= reserved;
    budget_->give_back_to_reserve(reserved);
    budget_->give_back(size - reserved);
  }
  void release() { shrink(size_); }
  // Takes over all bytes of `other`, which then holds none. Both must belong to the same budget.
  void take_over(MemoryReservation& other) {
    size_ += std::exchange(other.size_, 0);
    reserved_ += std::exchange(other.reserved_, 0);
  }
  // Takes over `size` bytes of `other`, those of the reserve last. What `other` lacks is taken from
  // the budget, as by grow_anyway().
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

  // A reservation that is no longer small leaves the reserve.
  bool take(std::size_t size) {
    if (size_ + size <= kSmall) {
      if (budget_->take(size)) return true;
      if (purpose_ != For::kRequest || !budget_->take_of_reserve(size)) return false;
      reserved_ += size;
      return true;
    }
    if (!budget_->take(size + reserved_)) return false;
    budget_->give_back_to_reserve(std::exchange(reserved_, 0));
    return true;
  }

  MemoryBudget* budget_ = nullptr;
  For purpose_ = For::kAnything;
  std::size_t size_ = 0;
  std::size_t reserved_ = 0;  // of size_: bytes from the reserve
};

}  // namespace ccproxy::proxy
