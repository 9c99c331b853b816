// What an OpenAI client sends to the Chat Completions route and reads back: bodies, chunks, and the
// reply that the chunks of a stream add up to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/proxy_fixture.hpp"

namespace ccproxy::test {

inline constexpr const char* kChat = "/v1/chat/completions";
// The fields that OpenAI's SDKs send with every request.
inline constexpr const char* kOpenAiFields =
    "authorization: Bearer sk-any\r\ncontent-type: application/json\r\n";

// config.json with the proxy keys of two clients, "a" and "b", and the fields of one of them.
inline constexpr const char* kTwoKeys =
    R"({"apiKeys":[{"name":"a","key":"key-of-a-00000000"},{"name":"b","key":"key-of-b-00000000"}]})";
[[nodiscard]] std::string key_fields(const std::string& name);

// Returns a request with one user message for claude-sonnet-5, updated with `more`.
[[nodiscard]] Document chat_body(const Document& more = Document::object());

// Returns a function tool of that name, without parameters.
[[nodiscard]] Document function_tool(const std::string& name);

// Return a call of a tool, the assistant message that has the calls, and the message with a result.
[[nodiscard]] Document tool_call(const std::string& id, const std::string& name,
                                 const std::string& arguments);
[[nodiscard]] Document assistant_calls(const std::vector<Document>& calls);
[[nodiscard]] Document tool_result(const std::string& id, const std::string& text);

// Posts `body` on a new connection.
[[nodiscard]] Reply post_chat(const ProxyFixture& fixture, const Document& body,
                              std::string_view fields = kOpenAiFields);

struct ChatStream {
  std::vector<Document> chunks;  // data lines that are JSON, errors included
  int done = 0;                  // number of [DONE] lines
  bool ends_with_done = false;
  int comments = 0;
  std::string unexpected_lines;  // all other lines

  [[nodiscard]] std::string text() const;  // of all content deltas
  [[nodiscard]] std::string finish_reason() const;
  [[nodiscard]] Document error() const;  // null without one
  // Returns the deltas of the first choice, without the chunk that has its finish_reason.
  [[nodiscard]] std::vector<Document> deltas() const;
};

[[nodiscard]] ChatStream read_chunks(std::string_view body);

// Events of the upstream's message stream, as they are on the wire.
[[nodiscard]] std::string sse(const Document& data);
[[nodiscard]] std::string message_start_event();
[[nodiscard]] std::string text_start_event(int index = 0);
[[nodiscard]] std::string text_event(const std::string& text, int index = 0);
[[nodiscard]] std::string stop_events(const std::string& reason = "end_turn", int index = 0);

}  // namespace ccproxy::test
