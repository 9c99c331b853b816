#include "base/memory.hpp"

#include <sys/resource.h>

#include <cstdlib>  // defines __GLIBC__ where the library is glibc

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace ccproxy {

void return_large_blocks() {
#ifdef __GLIBC__
  constexpr int kMmapThreshold = 1 << 20;  // bytes
  constexpr int kTrimThreshold = 4 << 20;  // bytes
  (void)mallopt(M_MMAP_THRESHOLD, kMmapThreshold);
  (void)mallopt(M_TRIM_THRESHOLD, kTrimThreshold);
#endif
}

namespace {

// Changes the soft limit alone, so that it can be raised again.
void limit_core(bool allowed) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
  static const rlim_t original = limit.rlim_cur;
  limit.rlim_cur = allowed ? original : 0;
  (void)::setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace

void forbid_core_dumps() { limit_core(false); }
void allow_core_dumps() { limit_core(true); }

}  // namespace ccproxy
