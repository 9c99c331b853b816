// Numbers that stand for texts, to find what is alike. Two texts may have the same one: whoever
// finds by them compares what was found. No protection against somebody who reckons.
#pragma once

#include <cstdint>
#include <string_view>

namespace ccproxy {

inline constexpr std::uint64_t kHashStart = 14695981039346656037U;

// FNV-1a over one byte more, so that a text can be hashed as it is read.
[[nodiscard]] constexpr std::uint64_t hashed(std::uint64_t so_far, char byte) {
  constexpr std::uint64_t kPrime = 1099511628211U;
  return (so_far ^ static_cast<unsigned char>(byte)) * kPrime;
}

[[nodiscard]] constexpr std::uint64_t hashed(std::uint64_t so_far, std::string_view bytes) {
  for (const char byte : bytes) so_far = hashed(so_far, byte);
  return so_far;
}

// Two numbers as one; their order counts.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t first, std::uint64_t second) {
  constexpr unsigned kBytes = 8, kBits = 8;
  for (unsigned i = 0; i < kBytes; ++i)
    first = hashed(first, static_cast<char>(second >> (i * kBits) & 0xFFU));
  return first;
}

}  // namespace ccproxy
