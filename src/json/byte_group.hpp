// Compares groups of bytes at once. A loop over single bytes costs a mispredicted branch at each
// match.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace ccproxy::json {

inline constexpr std::size_t kGroup = 32;

// Returns a mask of the kGroup bytes that equal `wanted`. The lowest bit is for the first byte.
inline std::uint32_t matches(const char* bytes, char wanted) {
#ifdef __SSE2__
  const __m128i sought = _mm_set1_epi8(wanted);
  const auto half = [&](const char* from) {
    const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(sixteen, sought)));
  };
  return half(bytes) | half(bytes + kGroup / 2) << kGroup / 2;
#else
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < kGroup; ++i)
    found |= static_cast<std::uint32_t>(bytes[i] == wanted) << i;
  return found;
#endif
}

}  // namespace ccproxy::json
