#include "dialect/reply/streamed_input.hpp"

#include <utility>

#include "json/text.hpp"

namespace ccproxy::dialect {

void StreamedInput::begin(bool is_custom, std::string start) {
  is_custom_ = is_custom;
  has_input_ = false;
  start_ = std::move(start);
  custom_.begin();
}

std::string_view StreamedInput::feed_custom(std::string_view piece) {
  json_.clear();
  json::append_decoded(json_, {piece});
  return text_of(json_);
}

// Returns the text in `json`, a piece of a custom tool's input, as far as it is complete.
std::string_view StreamedInput::text_of(std::string_view json) {
  text_.clear();
  custom_.feed(json, text_);
  escaped_.clear();
  json::append_escaped(escaped_, text_);
  return escaped_;
}

std::string_view StreamedInput::finish() {
  if (has_input_) return {};
  if (is_custom_) return text_of(start_);
  escaped_.clear();
  json::append_escaped(escaped_, start_.empty() ? std::string_view("{}") : start_);
  return escaped_;
}

}  // namespace ccproxy::dialect
