// The worst inputs of a given size that are known for a reader: the same part again and again, or
// one part without end.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace ccproxy::test {

struct Shape {
  const char* name;
  std::function<std::string(std::size_t bytes)> make;  // returns an input of about that size
};

// Requests of each API, and event streams of the upstream.
[[nodiscard]] std::vector<Shape> chat_requests();
[[nodiscard]] std::vector<Shape> responses_requests();
[[nodiscard]] std::vector<Shape> messages_requests();
[[nodiscard]] std::vector<Shape> batches();
[[nodiscard]] std::vector<Shape> values();  // any JSON
[[nodiscard]] std::vector<Shape> replies();

}  // namespace ccproxy::test
