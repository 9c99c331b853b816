// The message of the simulated Claude when no script matches: friendly, short, and enough to try a
// client's streaming, thinking, tool loop and structured output.
#pragma once

#include "mock/message.hpp"
#include "mock/received_request.hpp"

namespace ccproxy::mock {

// Returns the message with empty ids.
[[nodiscard]] Message demo_message(const ReceivedRequest& request);

}  // namespace ccproxy::mock
