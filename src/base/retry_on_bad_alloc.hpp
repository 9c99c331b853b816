// Retries for work that must be done even when there is no memory: another thread waits for it, and
// would wait forever.
#pragma once

#include <chrono>
#include <new>
#include <thread>

namespace ccproxy {

// Calls `work` until it no longer throws std::bad_alloc; an attempt that throws must have changed
// nothing. The calling thread sleeps between attempts, while other threads free memory.
template <class Work>
void retry_on_bad_alloc(const Work& work) {
  constexpr std::chrono::milliseconds kRetryInterval{10};
  while (true) {
    try {
      work();
      return;
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(kRetryInterval);
    }
  }
}

}  // namespace ccproxy
