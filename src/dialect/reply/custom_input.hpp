// The text of a custom tool's call. Upstream such a tool is a function with one string parameter,
// so its input arrives as pieces of {"input":"..."}; the client gets the string, piece by piece.
#pragma once

#include <string>
#include <string_view>

namespace ccproxy::dialect {

// Takes the JSON in pieces that may be cut anywhere, also inside an escape or a UTF-8 sequence.
// JSON that is not {"input":"..."} is passed on unchanged, so that nothing is lost.
class CustomInput {
 public:
  // Begins with the next call.
  void begin() { *this = CustomInput(); }

  // Appends, decoded, as much of the text as is complete: never a part of an escape, half a
  // surrogate pair or a part of a UTF-8 sequence. What is incomplete when the call ends is dropped.
  void feed(std::string_view json, std::string& out);

 private:
  enum class State { kBeforeText, kText, kAfterText, kRaw };

  std::size_t match_opening(std::string_view json, std::string& out);
  void decode(std::string& out);

  State state_ = State::kBeforeText;
  std::size_t matched_ = 0;  // characters of the opening
  std::string pending_;      // the opening so far, then text that cannot be decoded yet
};

}  // namespace ccproxy::dialect
