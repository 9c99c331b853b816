// A byte queue: written at the end, consumed at the front, contiguous in between. Bytes that were
// consumed make room again without a new allocation. It refuses to know what the bytes mean.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace ccproxy {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() = default;

  // The queued bytes. The view is valid until the next call of a function that is not const.
  [[nodiscard]] std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  // Returns room for at least `size` bytes behind the queue. Fill it from the front and pass the
  // number of bytes to commit().
  [[nodiscard]] std::span<char> prepare(std::size_t size) {
    if (capacity_ - end_ < size) make_room(size);
    return {bytes_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t size) { end_ += size; }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
    end_ += bytes.size();
  }

  void consume(std::size_t size) {
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  void clear() { begin_ = end_ = 0; }

  // Drops the queued bytes and frees the memory, as a connection does when it becomes idle.
  void release() { Buffer().swap(*this); }

  void swap(Buffer& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

 private:
  static constexpr std::size_t kMinCapacity = 4096;

  void make_room(std::size_t size) {
    const std::size_t queued = end_ - begin_;
    if (capacity_ >= queued + size && begin_ >= queued) {
      if (queued != 0) std::memcpy(bytes_.get(), bytes_.get() + begin_, queued);
    } else {
      std::size_t grown = capacity_ < kMinCapacity ? kMinCapacity : capacity_;
      while (grown < queued + size) grown *= 2;
      auto bytes = std::make_unique_for_overwrite<char[]>(grown);
      if (queued != 0) std::memcpy(bytes.get(), bytes_.get() + begin_, queued);
      bytes_ = std::move(bytes);
      capacity_ = grown;
    }
    begin_ = 0;
    end_ = queued;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace ccproxy
