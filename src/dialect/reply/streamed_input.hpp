// The input of a call as the client gets it: upstream sends it as pieces of JSON, the client gets
// the same JSON, or the text inside of it for a custom tool.
#pragma once

#include <string>
#include <string_view>

#include "dialect/reply/custom_input.hpp"

namespace ccproxy::dialect {

// All pieces are parts of a JSON string, still escaped. A view that is returned is valid until the
// next call, or for as long as the piece that was given in.
class StreamedInput {
 public:
  // Begins the input of a call. `start` is the JSON of the call's start event; empty when it has no
  // member.
  void begin(bool is_custom, std::string start);

  // Takes a piece of the JSON and returns the piece that the client gets, which may be empty.
  [[nodiscard]] std::string_view feed(std::string_view piece) {
    if (piece.empty()) return {};
    has_input_ = true;
    return is_custom_ ? feed_custom(piece) : piece;
  }

  // The call has ended. Clients parse the arguments of every call, so one that got no piece gets
  // the input of its start event, or an empty object. Returns "" for all other calls.
  [[nodiscard]] std::string_view finish();

 private:
  [[nodiscard]] std::string_view feed_custom(std::string_view piece);
  [[nodiscard]] std::string_view text_of(std::string_view json);

  bool is_custom_ = false;
  bool has_input_ = false;
  std::string start_;
  CustomInput custom_;
  std::string json_, text_, escaped_;  // buffers
};

}  // namespace ccproxy::dialect
