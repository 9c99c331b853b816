// Hashes of texts, for look-ups. Two texts may have the same hash, so the caller compares what it
// finds. They are not safe against an attacker who computes collisions.
#pragma once

#include <cstdint>
#include <string_view>

namespace ccproxy {

inline constexpr std::uint64_t kHashSeed = 14695981039346656037U;

// Continues an FNV-1a hash with one byte, so that a text can be hashed as it is read.
[[nodiscard]] constexpr std::uint64_t hash_append(std::uint64_t so_far, char byte) {
  constexpr std::uint64_t kPrime = 1099511628211U;
  return (so_far ^ static_cast<unsigned char>(byte)) * kPrime;
}

[[nodiscard]] constexpr std::uint64_t hash_append(std::uint64_t so_far, std::string_view bytes) {
  for (const char byte : bytes) so_far = hash_append(so_far, byte);
  return so_far;
}

// Combines two hashes; their order matters.
[[nodiscard]] constexpr std::uint64_t hash_combine(std::uint64_t first, std::uint64_t second) {
  constexpr unsigned kBytes = 8, kBits = 8;
  for (unsigned i = 0; i < kBytes; ++i)
    first = hash_append(first, static_cast<char>(second >> (i * kBits) & 0xFFU));
  return first;
}

}  // namespace ccproxy
