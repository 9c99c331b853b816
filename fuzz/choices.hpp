// The first bytes of an input choose, the rest is what is read.
#pragma once

#include <cstddef>
#include <string_view>

namespace ccproxy::fuzz {

// Takes a byte away from the front of the input; 0 when there is none.
inline unsigned take_byte(std::string_view& input) {
  if (input.empty()) return 0;
  const auto byte = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  return byte;
}

// Single bits, from the lowest one up.
class Bits {
 public:
  explicit Bits(unsigned bits) : bits_(bits) {}
  bool next() {
    const bool is_set = (bits_ & 1U) != 0;
    bits_ >>= 1U;
    return is_set;
  }
  [[nodiscard]] std::size_t rest() const { return bits_; }

 private:
  unsigned bits_;
};

}  // namespace ccproxy::fuzz
