// The body of a request to /v1/messages, as far as the simulated API needs it: to reply, to count
// tokens and to refuse invalid bodies as the real API does.
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
  std::int64_t input_tokens = 0;  // estimated as a quarter of the body's bytes
  std::string last_text{};        // of the last user message
  bool wants_tool = false;        // that message contains the word TOOL
  bool has_tool_result = false;   // that message has the result of a tool call
  std::string tool_result{};      // text of that result
  bool thinks = false;
  bool shows_thinking = true;
  std::optional<json::Document> tool{};  // tool to call: by tool_choice, by TOOL:NAME, or the first
  bool must_call = false;                // tool_choice is any or tool
  std::optional<json::Document> schema{};  // of output_config.format; the text must match it
};

// Fails with kInvalidRequest and the real API's message. `counting` is true for count_tokens, which
// needs no max_tokens.
[[nodiscard]] Result<ReceivedRequest> parse_request(std::string_view body, bool counting);

// Reads a body that is parsed already, such as a batch's `params`. `input_tokens` is only a guess.
[[nodiscard]] Result<ReceivedRequest> read_request(const json::Document& body, bool counting);

}  // namespace ccproxy::mock
