// An HTTP request as the routes of the simulated API see it. It refers to what its connection owns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/head.hpp"

namespace ccproxy::mock {

struct HttpRequest {
  const http::RequestHead& head;
  const std::string& body;   // may be only the beginning
  std::uint64_t body_bytes;  // all that were received
  std::string_view scheme;   // http or https, for URLs in replies
};

}  // namespace ccproxy::mock
