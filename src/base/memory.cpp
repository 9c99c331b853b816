#include "base/memory.hpp"

#include <sys/resource.h>

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

namespace {

// The soft limit alone, so that it can be raised again.
void limit_core(bool allowed) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
  static const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = allowed ? before : 0;
  (void)::setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace

void forbid_core_dumps() { limit_core(false); }
void allow_core_dumps() { limit_core(true); }

}  // namespace ccproxy
