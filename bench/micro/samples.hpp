// What is measured: requests as coding agents send them and large ones of every shape, and the
// events of an answer. Made here, the same every time.
#pragma once

#include <cstddef>
#include <string>

namespace ccproxy::bench {

// A chat request of about `bytes`: a system prompt, twenty tools, and a history of texts, tool
// calls and their results with source code in them.
[[nodiscard]] std::string agent_request(std::size_t bytes);

// Requests of about `bytes` that consist of one thing.
[[nodiscard]] std::string text_request(std::size_t bytes);     // one long text
[[nodiscard]] std::string image_request(std::size_t bytes);    // one picture in Base64
[[nodiscard]] std::string escapes_request(std::size_t bytes);  // a text of nothing but escapes

// Of `count` messages or tools, whose texts are so many bytes together.
[[nodiscard]] std::string messages_request(std::size_t bytes, std::size_t count);
[[nodiscard]] std::string tools_request(std::size_t bytes, std::size_t count);

}  // namespace ccproxy::bench
