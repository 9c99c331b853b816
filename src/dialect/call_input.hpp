// What a client tells of a tool's call, as the input that upstream wants: a JSON object. And which
// call a result answers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dialect/block.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Arguments of a function, usually JSON in a string: the object as it is written, or something that
// says what was there instead (rule A.2.2). `scratch` is used and forgotten.
[[nodiscard]] std::string_view input_of(json::Value arguments, MadeTexts& made,
                                        json::Outline& scratch);

// The text of a custom tool's call.
[[nodiscard]] std::string_view text_input_of(json::Value text, MadeTexts& made);

// A call as the client tells it: its id, the tool, and the input as JSON.
struct ClientCall {
  std::string_view id, name, input;
};

// The calls of one assistant turn. A client may use an id more than once; its results then belong
// to the calls in their order. The views must outlive it.
class OpenCalls {
 public:
  explicit OpenCalls(MadeTexts& made) : by_client_(made.memory()) {}

  // True when the turn has that call already: the same id, name and input. Clients tell a call
  // twice, as a part of the content and beside it, or as an item that a response before has told.
  [[nodiscard]] bool has(const ClientCall& call);
  // `upstream` is the id that goes up for the client's id.
  void add(const ClientCall& call, std::string_view upstream);
  // The id upstream of the call that a result names. For a call that is not open the client's own
  // id, for a human to read.
  [[nodiscard]] std::string_view answered(std::string_view client);
  void clear();

 private:
  struct Open {
    ClientCall call{};  // the first
    std::string_view first{};
    std::vector<std::string_view> more{};
    std::size_t answered = 0;
    bool is_listed = false;  // all of its calls are in listed_
  };

  // One text for all calls that mean the same.
  [[nodiscard]] std::string meaning_of(const ClientCall& call);

  std::pmr::unordered_map<std::string_view, Open> by_client_;
  // Calls whose ids were used more than once, as a text for each meaning.
  std::unordered_set<std::string> listed_;
  std::optional<std::string> meaning_{};  // of the call that has() was asked for last
  json::Outline scratch_;
};

}  // namespace ccproxy::dialect
