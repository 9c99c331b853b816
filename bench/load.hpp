// Many clients that ask the same thing and check that every answer is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace ccproxy::bench {

struct Load {
  std::uint16_t port = 0;
  std::string body;             // of a POST
  std::string ends_with;        // how a whole answer ends
  std::size_t answer_size = 0;  // of a whole answer; 0: any
  std::size_t clients = 1;      // at once, each on a kept-alive connection
  std::size_t requests = 1;     // all clients together
  std::string path = "/v1/messages";
};

struct Outcome {
  std::size_t complete = 0;
  std::size_t broken = 0;
  double seconds = 0;
  std::size_t bytes = 0;  // of the last answer
};

[[nodiscard]] Outcome run_load(const Load& load);

}  // namespace ccproxy::bench
