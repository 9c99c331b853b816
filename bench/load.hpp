// Many clients that send the same request and check that every reply is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace ccproxy::bench {

struct Load {
  std::uint16_t port = 0;
  std::string body;            // of a POST
  std::string ends_with;       // the end of a complete reply
  std::size_t reply_size = 0;  // bytes of a complete reply; 0: any
  std::size_t clients = 1;     // at once, each on a kept-alive connection
  std::size_t requests = 1;    // all clients together
  std::string path = "/v1/messages";
};

struct Outcome {
  std::size_t complete = 0;
  std::size_t broken = 0;
  double seconds = 0;
  std::size_t bytes = 0;  // of the last reply
};

[[nodiscard]] Outcome run_load(const Load& load);

}  // namespace ccproxy::bench
