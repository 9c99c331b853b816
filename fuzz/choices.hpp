// The first bytes of a fuzzer's input are choices, the rest is the data that is read.
#pragma once

#include <cstddef>
#include <string_view>

namespace ccproxy::fuzz {

// Removes the first byte of the input and returns it; 0 when the input is empty.
inline unsigned take_byte(std::string_view& input) {
  if (input.empty()) return 0;
  const auto byte = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  return byte;
}

// Gives out the bits of a byte, the lowest first.
class Bits {
 public:
  explicit Bits(unsigned bits) : bits_(bits) {}
  bool next() {
    const bool is_set = (bits_ & 1U) != 0;
    bits_ >>= 1U;
    return is_set;
  }
  // Returns the bits that are left as a number.
  [[nodiscard]] std::size_t rest() const { return bits_; }

 private:
  unsigned bits_;
};

}  // namespace ccproxy::fuzz
