#include "net/thread_name.hpp"

#include <pthread.h>

namespace ccproxy::net {

void name_thread([[maybe_unused]] const char* name) {
#ifdef __linux__
  pthread_setname_np(pthread_self(), name);
#endif
}

}  // namespace ccproxy::net
