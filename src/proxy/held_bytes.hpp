// How much memory is held for clients and for the store, all workers together, and who holds it. It
// refuses to know what for.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <utility>

namespace ccproxy::proxy {

// Counts what is held, so that many together cannot take all memory.
class HeldBytes {
 public:
  explicit HeldBytes(std::size_t most) : most_(most) {}

  // False when it would be too much; then nothing was taken. Only what is small may take the last
  // of it, so that small new requests are served while the rest is full.
  [[nodiscard]] bool take(std::size_t size, bool is_small) {
    const std::size_t most = most_.load(std::memory_order_relaxed);
    const std::size_t limit = is_small ? most : most - std::min(kReserve, most / kReservedPart);
    if (held_.fetch_add(size) + size <= limit) return true;
    held_.fetch_sub(size);
    return false;
  }
  // For what is there already and cannot be refused: others wait for it.
  void take_anyway(std::size_t size) { held_.fetch_add(size); }
  void give_back(std::size_t size) { held_.fetch_sub(size); }
  void set_most(std::size_t most) { most_ = most; }
  [[nodiscard]] std::size_t held() const { return held_; }

 private:
  static constexpr std::size_t kReserve = std::size_t{32} << 20;
  static constexpr std::size_t kReservedPart = 16;  // of a small limit

  std::atomic<std::size_t> held_ = 0;
  std::atomic<std::size_t> most_;
};

// Bytes taken from HeldBytes, given back when it ends. One that belongs to nobody counts nothing.
class Hold {
 public:
  Hold() = default;
  explicit Hold(HeldBytes& all) : all_(&all) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  Hold(Hold&& other) noexcept : all_(other.all_), size_(std::exchange(other.size_, 0)) {}
  Hold& operator=(Hold&& other) noexcept {
    release();
    all_ = other.all_;
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~Hold() { release(); }

  [[nodiscard]] bool grow(std::size_t size) {
    if (all_ != nullptr && !all_->take(size, size_ + size <= kSmall)) return false;
    size_ += size;
    return true;
  }
  void grow_anyway(std::size_t size) {
    if (all_ != nullptr) all_->take_anyway(size);
    size_ += size;
  }
  void shrink(std::size_t size) {
    size = std::min(size, size_);
    if (all_ != nullptr) all_->give_back(size);
    size_ -= size;
  }
  void release() { shrink(size_); }
  // What the other one has counted is counted here from now on.
  void take_over(Hold& other) { size_ += std::exchange(other.size_, 0); }
  // So much of it; what it lacks is taken anyway.
  void take_from(Hold& other, std::size_t size) {
    const std::size_t there = std::min(size, other.size_);
    other.size_ -= there;
    size_ += there;
    grow_anyway(size - there);
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kSmall = std::size_t{256} << 10;

  HeldBytes* all_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ccproxy::proxy
