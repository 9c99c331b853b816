// The text of a custom tool's call. Upstream such a tool is a function with one string, so its
// input arrives as the pieces of {"input":"..."}; the client is owed the string, as it comes.
#pragma once

#include <string>
#include <string_view>

namespace ccproxy::dialect {

// Fed with the JSON in pieces that may be cut anywhere, inside an escape or a UTF-8 sequence too.
// What is not {"input":"..."} comes out as it is, so that nothing is lost.
class CustomInput {
 public:
  void begin() { *this = CustomInput(); }

  // Appends what is certain by now: never a part of an escape, half a surrogate pair or a part of
  // a UTF-8 sequence. At the end of the call the rest is dropped: there was no more of it.
  void feed(std::string_view json, std::string& out);

 private:
  enum class State { kBeforeText, kText, kAfterText, kRaw };

  std::size_t match_opening(std::string_view json, std::string& out);
  void decode(std::string& out);

  State state_ = State::kBeforeText;
  std::size_t matched_ = 0;  // of the opening
  std::string pending_;      // the opening so far; then what cannot be decoded yet
};

}  // namespace ccproxy::dialect
