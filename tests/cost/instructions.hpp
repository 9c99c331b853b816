// How many instructions a piece of work takes. The processor's own counter says it exactly, and
// says the same however busy the machine is. Where there is none (a virtual machine may hide it),
// the time that the thread has run is taken for it, as instructions of a loop that was timed beside
// it. Others can only make either slower, so the least of several runs counts: good enough to tell
// what grows with its input from what grows with its square.
#pragma once

#include <cstdint>

#include "base/function_ref.hpp"

namespace ccproxy::test {

class Instructions {
 public:
  Instructions();
  ~Instructions();
  Instructions(const Instructions&) = delete;
  Instructions& operator=(const Instructions&) = delete;

  // True when they are counted, false when they are estimated.
  [[nodiscard]] bool are_counted() const { return counter_ >= 0; }

  // What `work` takes. Where that is estimated it runs again, a few times, as long as it seems to
  // take more than `enough`.
  [[nodiscard]] double of(FunctionRef<void()> work, double enough = 0) const;

 private:
  int counter_;
};

}  // namespace ccproxy::test
