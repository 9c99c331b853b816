// What OpenAI's API offers and this program does not, and what a client gets that asks for it.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace ccproxy::proxy {

// The list of stored chat completions: there are none.
inline constexpr std::string_view kNoStoredChats =
    R"({"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false})";

[[nodiscard]] inline Error no_stored_chat() {
  return {ErrorKind::kNotFound, "There is no chat completion of that id: CCProxy stores none.",
          "completion_id"};
}

[[nodiscard]] inline Error no_conversations() {
  return {ErrorKind::kInvalidRequest,
          "Conversations are not available: continue a response with previous_response_id.",
          "conversation", "unsupported_parameter"};
}

// Codex tries a WebSocket first, and does not try it again after this status alone.
[[nodiscard]] inline Error no_websocket() {
  return {ErrorKind::kInvalidRequest,
          "Responses are not available over a WebSocket here: use HTTP."};
}

}  // namespace ccproxy::proxy
