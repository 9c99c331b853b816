// Work that cannot be left undone where no memory is left: somebody waits for it, on another
// thread, and would wait for ever.
#pragma once

#include <chrono>
#include <new>
#include <thread>

namespace ccproxy {

// Does `work`, again and again as long as there is no memory for it; a try that fails must leave
// things as they were. The thread sleeps in between: what gives memory back runs on others.
template <class Work>
void insist(const Work& work) {
  constexpr std::chrono::milliseconds kMoment{10};
  while (true) {
    try {
      work();
      return;
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(kMoment);
    }
  }
}

}  // namespace ccproxy
