#include "base/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace ccproxy {

std::size_t raise_open_file_limit(std::size_t wanted) {
  constexpr std::size_t kDefaultLimit = 256;  // where the system does not report one
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kDefaultLimit;
  rlimit raised = limit;
  raised.rlim_cur = std::max<rlim_t>(limit.rlim_cur, std::min<rlim_t>(wanted, limit.rlim_max));
  if (raised.rlim_cur != limit.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return static_cast<std::size_t>(
      std::min<rlim_t>(limit.rlim_cur, std::max(wanted, kDefaultLimit)));
}

}  // namespace ccproxy
