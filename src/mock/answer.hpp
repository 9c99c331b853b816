// What the simulated Claude says: content blocks and how the message ends, told either whole or as
// the event list of a stream. Both come from the same Message, so that they cannot drift apart.
// Members that the real API leaves out when there is nothing to say are left out here too.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "json/document.hpp"

namespace ccproxy::mock {

// A signature where a script gives none; the real ones are base64 too.
inline constexpr std::string_view kSignature = "bW9jayBzaWduYXR1cmUgb2YgdGhlIHNpbXVsYXRlZCBBUEk=";

struct TextBlock {
  std::vector<std::string> deltas;          // the text, cut as it is streamed
  std::vector<json::Document> citations{};  // each a whole citation object
};

struct ThinkingBlock {
  std::vector<std::string> deltas;  // empty: the thinking is not shown, only signed
  std::string signature;
};

struct RedactedThinkingBlock {
  std::string data;
};

// A call of the client's tool, or of one that runs at the provider.
struct ToolUseBlock {
  std::string id, name;
  std::vector<std::string> fragments;  // JSON text of the input, cut as it is streamed
  bool at_provider = false;
};

// A block of any other kind: it comes complete with its start.
struct WholeBlock {
  json::Document content;
};

using Block =
    std::variant<TextBlock, ThinkingBlock, RedactedThinkingBlock, ToolUseBlock, WholeBlock>;

struct Message {
  std::string id, model;
  std::vector<Block> content{};
  std::string stop_reason = "end_turn";
  json::Document stop_sequence = nullptr;  // the one that was met, else null
  json::Document extra =
      json::Document::object();  // stop_details, container: only where they apply
  json::Document usage = json::Document::object();  // as it stands at the end
};

struct Event {
  std::string name;
  std::string data;  // on one line
};

// Cuts a text behind each run of blanks: roughly what a token is.
[[nodiscard]] std::vector<std::string> words_of(std::string_view text);

// A usage object with everything the real one always has.
[[nodiscard]] json::Document make_usage(std::int64_t input_tokens, std::int64_t output_tokens);

// A search that was run at the provider: the call and its results, two blocks.
void append_web_search(std::vector<Block>& content, std::string id, std::string_view query,
                       const json::Document& results);

// JSON text of a document; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string text_of(const json::Document& document);

// The whole message, as an answer that is not streamed.
[[nodiscard]] std::string message_of(const Message& answer);

// The same message as a stream: message_start, ping, the blocks, message_delta, message_stop.
[[nodiscard]] std::vector<Event> events_of(const Message& answer);

// Appends the event's lines and the blank line.
void append_event(std::string& out, const Event& event);

}  // namespace ccproxy::mock
