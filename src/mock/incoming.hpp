// A request as the simulated API's routes see it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/head.hpp"

namespace ccproxy::mock {

struct Incoming {
  const http::RequestHead& head;
  const std::string& body;   // perhaps only its beginning
  std::uint64_t body_bytes;  // all that came
  std::string_view scheme;   // http or https, for addresses in answers
};

}  // namespace ccproxy::mock
