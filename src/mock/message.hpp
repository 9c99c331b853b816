// A message of the simulated Claude: its content blocks, how it ends, and its two encodings, a
// whole JSON object and the events of a stream. Both are written from the same Message, so that
// they cannot drift apart. Optional members that are empty are left out, as the real API does.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "json/document.hpp"

namespace ccproxy::mock {

// The signature of thinking whose script gives none. Real signatures are Base64, too.
inline constexpr std::string_view kSignature = "bW9jayBzaWduYXR1cmUgb2YgdGhlIHNpbXVsYXRlZCBBUEk=";

struct TextBlock {
  std::vector<std::string> deltas;          // one for each text_delta
  std::vector<json::Document> citations{};  // citation objects of the API
};

struct ThinkingBlock {
  std::vector<std::string> deltas;  // empty when only the signature is sent
  std::string signature;
};

struct RedactedThinkingBlock {
  std::string data;
};

// A call of the client's tool, or of a tool that runs at the provider.
struct ToolUseBlock {
  std::string id, name;
  std::vector<std::string> fragments;  // JSON text of the input, one for each delta
  bool at_provider = false;
};

// A block of any other kind. Its content_block_start carries all of it.
struct WholeBlock {
  json::Document content;
};

using Block =
    std::variant<TextBlock, ThinkingBlock, RedactedThinkingBlock, ToolUseBlock, WholeBlock>;

struct Message {
  std::string id, model;
  std::vector<Block> content{};
  std::string stop_reason = "end_turn";
  json::Document stop_sequence = nullptr;           // null unless a stop sequence was met
  json::Document extra = json::Document::object();  // stop_details and container, when present
  json::Document usage = json::Document::object();  // of the whole message
};

struct Event {
  std::string name;
  std::string data;  // has no line break
};

// Splits a text after each run of white space. A piece stands for a token.
[[nodiscard]] std::vector<std::string> words_of(std::string_view text);

// Returns a usage object with all members that the real API always sends.
[[nodiscard]] json::Document make_usage(std::int64_t input_tokens, std::int64_t output_tokens);

// Appends the two blocks of a web search: the call, which ran at the provider, and its results.
void append_web_search(std::vector<Block>& content, std::string id, std::string_view query,
                       const json::Document& results);

// Returns the document as JSON text. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string text_of(const json::Document& document);

// Returns the message as one JSON object, for a request that does not stream.
[[nodiscard]] std::string message_json(const Message& message);

// Returns the message as a stream: message_start, ping, the blocks, message_delta, message_stop.
[[nodiscard]] std::vector<Event> message_events(const Message& message);

// Appends the lines of the event and the blank line that ends it.
void append_event(std::string& out, const Event& event);

}  // namespace ccproxy::mock
