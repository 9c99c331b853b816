// Requests that are measured: those of coding agents, and large ones of every shape. They are the
// same in every run.
#pragma once

#include <cstddef>
#include <string>

namespace ccproxy::bench {

// Returns a chat request of about `bytes`: a system prompt, twenty tools, and a history of texts,
// tool calls and their results with source code in them.
[[nodiscard]] std::string agent_request(std::size_t bytes);

// Return requests of about `bytes` that consist of one part.
[[nodiscard]] std::string text_request(std::size_t bytes);     // one long text
[[nodiscard]] std::string image_request(std::size_t bytes);    // one picture in Base64
[[nodiscard]] std::string escapes_request(std::size_t bytes);  // a text of nothing but escapes

// Return requests of `count` messages or tools whose texts have `bytes` together.
[[nodiscard]] std::string messages_request(std::size_t bytes, std::size_t count);
[[nodiscard]] std::string tools_request(std::size_t bytes, std::size_t count);

}  // namespace ccproxy::bench
