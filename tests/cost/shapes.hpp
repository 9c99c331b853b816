// Inputs of a given size that are as bad as they can be for whoever reads them: the same thing
// again and again, or one thing without end.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace ccproxy::test {

struct Shape {
  const char* says;
  std::function<std::string(std::size_t bytes)> make;
};

// Requests of each API, and streams of the upstream's.
[[nodiscard]] std::vector<Shape> chat_requests();
[[nodiscard]] std::vector<Shape> responses_requests();
[[nodiscard]] std::vector<Shape> messages_requests();
[[nodiscard]] std::vector<Shape> batches();
[[nodiscard]] std::vector<Shape> values();  // any JSON
[[nodiscard]] std::vector<Shape> replies();

}  // namespace ccproxy::test
