// Ids for the requests this process serves: unique, short, and telling nothing.
#pragma once

#include <string>

namespace ccproxy::proxy {

// Such as "ccp_5f3a9c01d2_1a": a random part of this process and a running number. From any thread.
[[nodiscard]] std::string next_request_id();

}  // namespace ccproxy::proxy
