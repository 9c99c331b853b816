// What the simulated API understands of a request to /v1/messages: just enough to answer it, to
// count its tokens and to complain as the real one does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "json/document.hpp"

namespace ccproxy::mock {

struct ReceivedRequest {
  std::string model;
  bool stream = false;
  std::int64_t max_tokens = 0;
  std::int64_t input_tokens = 0;  // a guess: four bytes of the body are one
  std::string last_text{};        // the last text of the last user message
  bool wants_tool = false;        // the word TOOL stands in that message
  bool has_tool_result = false;   // that message answers a call
  std::string tool_result{};      // its text
  bool thinks = false;
  bool shows_thinking = true;
  std::optional<json::Document>
      tool{};              // the one to call: named by tool_choice, or TOOL:NAME, or first
  bool must_call = false;  // tool_choice any or tool
  std::optional<json::Document> schema{};  // the answer must fit it (output_config.format)
};

// Fails with kInvalidRequest; the message is the real API's. `counting`: for count_tokens, where
// max_tokens is not asked for.
[[nodiscard]] Result<ReceivedRequest> read_asked(std::string_view body, bool counting);

// The same for a body that was parsed already, such as a batch's `params`.
[[nodiscard]] Result<ReceivedRequest> read_parsed(const json::Document& body, bool counting);

}  // namespace ccproxy::mock
