// What an OpenAI client sends to the chat route and reads back: bodies, chunks, and the answer that
// the chunks of a stream amount to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/road.hpp"

namespace ccproxy::test {

inline constexpr const char* kChat = "/v1/chat/completions";
// What OpenAI's SDKs send with every request.
inline constexpr const char* kOpenAiFields =
    "authorization: Bearer sk-any\r\ncontent-type: application/json\r\n";

// A request of one user message on claude-sonnet-5, with `more` laid over it.
[[nodiscard]] Document chat_body(const Document& more = Document::object());

// One function tool of that name, without parameters.
[[nodiscard]] Document function_tool(const std::string& name);

// An assistant message that calls tools, and the message with a result.
[[nodiscard]] Document call(const std::string& id, const std::string& name,
                            const std::string& arguments);
[[nodiscard]] Document calling(const std::vector<Document>& calls);
[[nodiscard]] Document result(const std::string& id, const std::string& text);

// Sends it on a connection of its own.
[[nodiscard]] Reply chat(const ProxyFixture& fixture, const Document& body,
                         std::string_view fields = kOpenAiFields);

struct ChatStream {
  std::vector<Document> chunks;  // every data line that is JSON, the error among them
  int done = 0;                  // how often [DONE] came
  bool ends_with_done = false;
  int comments = 0;
  std::string strange;  // lines that are nothing of these

  [[nodiscard]] std::string text() const;  // of all content deltas
  [[nodiscard]] std::string finish_reason() const;
  [[nodiscard]] Document error() const;  // null without one
  // The deltas of the first choice, in order, without the chunk that only finishes.
  [[nodiscard]] std::vector<Document> deltas() const;
};

[[nodiscard]] ChatStream read_chunks(std::string_view body);

// The events of a whole upstream answer, one by one, as the wire has them.
[[nodiscard]] std::string sse(const Document& data);
[[nodiscard]] std::string message_start_event();
[[nodiscard]] std::string text_start_event(int index = 0);
[[nodiscard]] std::string text_event(const std::string& text, int index = 0);
[[nodiscard]] std::string stop_events(const std::string& reason = "end_turn", int index = 0);

}  // namespace ccproxy::test
