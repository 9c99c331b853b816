#include "base/memory.hpp"

#include <cstdlib>  // says whether the library is glibc

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace ccproxy {

void give_large_blocks_back() {
#ifdef __GLIBC__
  constexpr int kLarge = 1 << 20;
  constexpr int kKept = 4 << 20;
  (void)mallopt(M_MMAP_THRESHOLD, kLarge);
  (void)mallopt(M_TRIM_THRESHOLD, kKept);
#endif
}

}  // namespace ccproxy
