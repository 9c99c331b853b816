// What a client tells of a tool's call, as the input that upstream wants: a JSON object. And which
// call a result answers.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dialect/block.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Arguments of a function, usually JSON in a string: the object as it is written, or something that
// says what was there instead (translation.md A.2.2). `scratch` is used and forgotten.
[[nodiscard]] std::string_view input_of(json::Value arguments, MadeTexts& made,
                                        json::Outline& scratch);

// The text of a custom tool's call.
[[nodiscard]] std::string_view text_input_of(json::Value text, MadeTexts& made);

// The calls of one assistant turn. A client may use an id more than once; its results then belong
// to the calls in their order.
class OpenCalls {
 public:
  explicit OpenCalls(MadeTexts& made) : by_client_(made.memory()) {}

  // `upstream` is the id that goes up for the client's id.
  void add(std::string_view client, std::string_view upstream);
  // The id upstream of the call that a result names. For a call that is not open the client's own
  // id, for a human to read.
  [[nodiscard]] std::string_view answered(std::string_view client);
  void clear() { by_client_.clear(); }

 private:
  struct Open {
    std::string_view first{};
    std::vector<std::string_view> more{};
    std::size_t answered = 0;
  };

  std::pmr::unordered_map<std::string_view, Open> by_client_;
};

}  // namespace ccproxy::dialect
