#include "support/chat.hpp"

#include "base/text.hpp"

namespace ccproxy::test {

std::string key_fields(const std::string& name) {
  return "authorization: Bearer key-of-" + name + "-00000000\r\ncontent-type: application/json\r\n";
}

Document chat_body(const Document& more) {
  Document body = {{"model", "claude-sonnet-5"},
                   {"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
  body.update(more);
  return body;
}

Document function_tool(const std::string& name) {
  return {{"type", "function"}, {"function", {{"name", name}}}};
}

Document tool_call(const std::string& id, const std::string& name, const std::string& arguments) {
  return {
      {"id", id}, {"type", "function"}, {"function", {{"name", name}, {"arguments", arguments}}}};
}

Document assistant_calls(const std::vector<Document>& calls) {
  return {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", calls}};
}

Document tool_result(const std::string& id, const std::string& text) {
  return {{"role", "tool"}, {"tool_call_id", id}, {"content", text}};
}

Reply post_chat(const ProxyFixture& fixture, const Document& body, std::string_view fields) {
  return send_request(fixture.port(), "POST", kChat, body.dump(), fields);
}

ChatStream read_chunks(std::string_view body) {
  ChatStream stream;
  while (!body.empty()) {
    const std::string line(body.substr(0, body.find('\n')));
    body.remove_prefix(std::min(line.size() + 1, body.size()));
    if (line.empty()) continue;
    stream.ends_with_done = line == "data: [DONE]";
    if (stream.ends_with_done) {
      ++stream.done;
    } else if (line.starts_with(":")) {
      ++stream.comments;
    } else if (line.starts_with("data: ")) {
      stream.chunks.push_back(Document::parse(line.substr(6)));
    } else {
      stream.unexpected_lines += line + "\n";
    }
  }
  return stream;
}

std::vector<Document> ChatStream::deltas() const {
  std::vector<Document> deltas;
  for (const Document& chunk : chunks)
    if (chunk.contains("choices") && !chunk["choices"].empty() &&
        chunk["choices"][0]["finish_reason"].is_null())
      deltas.push_back(chunk["choices"][0]["delta"]);
  return deltas;
}

std::string ChatStream::text() const {
  std::string text;
  for (const Document& delta : deltas())
    if (delta.contains("content") && delta["content"].is_string())
      text += delta["content"].get<std::string>();
  return text;
}

std::string ChatStream::finish_reason() const {
  for (const Document& chunk : chunks)
    if (chunk.contains("choices") && !chunk["choices"].empty() &&
        chunk["choices"][0]["finish_reason"].is_string())
      return chunk["choices"][0]["finish_reason"];
  return "";
}

Document ChatStream::error() const {
  for (const Document& chunk : chunks)
    if (chunk.contains("error")) return chunk["error"];
  return nullptr;
}

std::string sse(const Document& data) {
  return "event: " + data["type"].get<std::string>() + "\ndata: " + data.dump() + "\n\n";
}

std::string message_start_event() {
  return sse({{"type", "message_start"},
              {"message",
               {{"id", "msg_1"},
                {"type", "message"},
                {"role", "assistant"},
                {"model", "m"},
                {"content", Document::array()},
                {"usage", {{"input_tokens", 10}, {"output_tokens", 1}}}}}});
}

std::string text_start_event(int index) {
  return sse({{"type", "content_block_start"},
              {"index", index},
              {"content_block", {{"type", "text"}, {"text", ""}}}});
}

std::string text_event(const std::string& text, int index) {
  return sse({{"type", "content_block_delta"},
              {"index", index},
              {"delta", {{"type", "text_delta"}, {"text", text}}}});
}

std::string stop_events(const std::string& reason, int index) {
  return sse({{"type", "content_block_stop"}, {"index", index}}) +
         sse({{"type", "message_delta"},
              {"delta", {{"stop_reason", reason}, {"stop_sequence", nullptr}}},
              {"usage", {{"output_tokens", 7}}}}) +
         sse({{"type", "message_stop"}});
}

}  // namespace ccproxy::test
