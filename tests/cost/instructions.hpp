// Counts the instructions of a piece of work. The processor's counter is exact, however busy the
// machine is. Where it is not available (a virtual machine may hide it), the thread's time is
// converted into instructions by a loop that is timed before and after. Other processes can only
// make either slower, so the least of several runs counts: that is good enough to distinguish
// linear from quadratic growth.
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

  // True when instructions are counted, false when they are estimated.
  [[nodiscard]] bool are_counted() const { return counter_ >= 0; }

  // Returns the instructions of `work`. An estimate runs it again, a few times, while the result is
  // above `enough`.
  [[nodiscard]] double of(FunctionRef<void()> work, double enough = 0) const;

 private:
  int counter_;
};

}  // namespace ccproxy::test
