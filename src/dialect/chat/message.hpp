// A message of a Chat Completions request: its members, found in one walk over it, since a request
// may have hundreds of thousands of messages. It refuses to know what they mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/request/block.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// Views of the request, which must outlive it.
struct ChatMessage {
  // `index` is the message's place in `messages`.
  ChatMessage(json::Value message, std::size_t index);

  // The place of the member `inside` for an error, such as `messages[3].role` for ".role".
  [[nodiscard]] std::string param(std::string_view inside) const;
  // The number that Turns knows the message by.
  [[nodiscard]] std::uint32_t number() const { return static_cast<std::uint32_t>(index); }

  std::size_t index;
  json::Value role{}, content{}, refusal{}, tool_calls{}, function_call{}, name{}, tool_call_id{},
      is_error{}, thinking_blocks{}, reasoning_details{};
  CacheControl cache_control = CacheControl::kNone;
};

}  // namespace ccproxy::dialect
