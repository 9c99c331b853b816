#include "mock/message.hpp"

#include <algorithm>
#include <utility>

namespace ccproxy::mock {
namespace {

using json::Document;

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::string joined(const std::vector<std::string>& pieces) {
  std::string all;
  for (const std::string& piece : pieces) all += piece;
  return all;
}

// Returns the input as a whole message holds it. A script may cut the JSON on purpose; such input
// becomes an empty object, because the real API never sends broken JSON in a whole message.
Document input_of(const ToolUseBlock& block) {
  const std::string text = joined(block.fragments);
  auto parsed = json::parse_document(text.empty() ? "{}" : text);
  return parsed ? std::move(*parsed) : Document::object();
}

const char* type_of(const ToolUseBlock& block) {
  return block.at_provider ? "server_tool_use" : "tool_use";
}

Document whole_block(const Block& block) {
  return std::visit(Overloaded{
                        [](const TextBlock& text) {
                          Document whole = {{"type", "text"}, {"text", joined(text.deltas)}};
                          if (!text.citations.empty()) whole["citations"] = text.citations;
                          return whole;
                        },
                        [](const ThinkingBlock& thinking) {
                          return Document{{"type", "thinking"},
                                          {"thinking", joined(thinking.deltas)},
                                          {"signature", thinking.signature}};
                        },
                        [](const RedactedThinkingBlock& redacted) {
                          return Document{{"type", "redacted_thinking"}, {"data", redacted.data}};
                        },
                        [](const ToolUseBlock& tool) {
                          return Document{{"type", type_of(tool)},
                                          {"id", tool.id},
                                          {"name", tool.name},
                                          {"input", input_of(tool)}};
                        },
                        [](const WholeBlock& whole) { return whole.content; },
                    },
                    block);
}

// Returns the block of a content_block_start: the members that deltas fill are empty.
Document block_start(const Block& block) {
  return std::visit(
      Overloaded{
          [](const TextBlock& text) {
            Document start = {{"type", "text"}, {"text", ""}};
            if (!text.citations.empty()) start["citations"] = Document::array();
            return start;
          },
          [](const ThinkingBlock&) {
            return Document{{"type", "thinking"}, {"thinking", ""}, {"signature", ""}};
          },
          [](const ToolUseBlock& tool) {
            return Document{{"type", type_of(tool)},
                            {"id", tool.id},
                            {"name", tool.name},
                            {"input", Document::object()}};
          },
          [&](const auto&) { return whole_block(block); },
      },
      block);
}

std::vector<Document> deltas_of(const Block& block) {
  std::vector<Document> deltas;
  const auto add = [&](const char* type, const char* member, const Document& content) {
    deltas.push_back(Document{{"type", type}, {member, content}});
  };
  std::visit(Overloaded{
                 [&](const TextBlock& text) {
                   for (const auto& delta : text.deltas) add("text_delta", "text", delta);
                   for (const auto& citation : text.citations)
                     add("citations_delta", "citation", citation);
                 },
                 [&](const ThinkingBlock& thinking) {
                   for (const auto& delta : thinking.deltas)
                     add("thinking_delta", "thinking", delta);
                   add("signature_delta", "signature", thinking.signature);
                 },
                 [&](const ToolUseBlock& tool) {
                   add("input_json_delta", "partial_json", "");
                   for (const auto& fragment : tool.fragments)
                     add("input_json_delta", "partial_json", fragment);
                 },
                 [](const auto&) {},
             },
             block);
  return deltas;
}

// Returns the usage of message_start: the input is counted already, the output is one token.
Document usage_at_start(const Message& message) {
  Document usage = message.usage;
  usage.erase("output_tokens_details");
  usage.erase("server_tool_use");
  if (usage.contains("output_tokens")) usage["output_tokens"] = 1;
  return usage;
}

Document message_frame(const Message& message) {
  return Document{{"model", message.model},
                  {"id", message.id},
                  {"type", "message"},
                  {"role", "assistant"},
                  {"content", Document::array()},
                  {"stop_reason", nullptr},
                  {"stop_sequence", nullptr}};
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto blank = text.find_first_of(" \n\t");
    auto end = text.find_first_not_of(" \n\t", std::min(blank, text.size()));
    end = std::min(end, text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

Document make_usage(std::int64_t input_tokens, std::int64_t output_tokens) {
  return Document{
      {"input_tokens", input_tokens},
      {"cache_creation_input_tokens", 0},
      {"cache_read_input_tokens", 0},
      {"cache_creation", {{"ephemeral_5m_input_tokens", 0}, {"ephemeral_1h_input_tokens", 0}}},
      {"output_tokens", output_tokens},
      {"service_tier", "standard"}};
}

void append_web_search(std::vector<Block>& content, std::string id, std::string_view query,
                       const Document& results) {
  Document result = {{"type", "web_search_tool_result"}, {"tool_use_id", id}, {"content", results}};
  const std::string input = text_of(Document{{"query", query}});
  const std::size_t middle = input.size() / 2;
  content.emplace_back(ToolUseBlock{
      std::move(id), "web_search", {input.substr(0, middle), input.substr(middle)}, true});
  content.emplace_back(WholeBlock{std::move(result)});
}

std::string text_of(const Document& document) {
  return document.dump(-1, ' ', false, Document::error_handler_t::replace);
}

std::string message_json(const Message& message) {
  Document document = message_frame(message);
  for (const Block& block : message.content) document["content"].push_back(whole_block(block));
  document["stop_reason"] = message.stop_reason;
  document["stop_sequence"] = message.stop_sequence;
  for (const auto& [name, content] : message.extra.items()) document[name] = content;
  document["usage"] = message.usage;
  return text_of(document);
}

std::vector<Event> message_events(const Message& message) {
  std::vector<Event> events;
  const auto add = [&](Document data) {
    events.push_back({data["type"].get<std::string>(), text_of(data)});
  };
  Document document = message_frame(message);
  document["usage"] = usage_at_start(message);
  add({{"type", "message_start"}, {"message", std::move(document)}});
  add({{"type", "ping"}});
  for (std::size_t index = 0; index < message.content.size(); ++index) {
    const Block& block = message.content[index];
    add({{"type", "content_block_start"}, {"index", index}, {"content_block", block_start(block)}});
    for (Document& delta : deltas_of(block))
      add({{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(delta)}});
    add({{"type", "content_block_stop"}, {"index", index}});
  }
  Document end = {{"stop_reason", message.stop_reason}, {"stop_sequence", message.stop_sequence}};
  for (const auto& [name, content] : message.extra.items()) end[name] = content;
  Document usage = message.usage;
  usage.erase("cache_creation");
  usage.erase("service_tier");
  add({{"type", "message_delta"}, {"delta", std::move(end)}, {"usage", std::move(usage)}});
  add({{"type", "message_stop"}});
  return events;
}

void append_event(std::string& out, const Event& event) {
  if (!event.name.empty()) out += "event: " + event.name + "\n";
  out += "data: " + event.data + "\n\n";
}

}  // namespace ccproxy::mock
