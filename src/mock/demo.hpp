// The answer of the simulated Claude where no script says otherwise: friendly, short, and enough to
// try a client's streaming, thinking, tool loop and structured output.
#pragma once

#include "mock/answer.hpp"
#include "mock/asked.hpp"

namespace ccproxy::mock {

// Ids are left empty.
[[nodiscard]] Message demo_message(const ReceivedRequest& asked);

}  // namespace ccproxy::mock
