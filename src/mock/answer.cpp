#include "mock/answer.hpp"

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

// The input as it stands in a whole message. What does not parse (a script may cut it on purpose)
// cannot stand there: the real API never sends such a message whole.
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

// What content_block_start shows: the block with everything that deltas bring left empty.
Document first_sight(const Block& block) {
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

// The count a message opens with: the input is known, of the output one token.
Document usage_at_start(const Message& answer) {
  Document usage = answer.usage;
  usage.erase("output_tokens_details");
  usage.erase("server_tool_use");
  if (usage.contains("output_tokens")) usage["output_tokens"] = 1;
  return usage;
}

Document message_frame(const Message& answer) {
  return Document{{"model", answer.model},
                  {"id", answer.id},
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

std::string message_of(const Message& answer) {
  Document message = message_frame(answer);
  for (const Block& block : answer.content) message["content"].push_back(whole_block(block));
  message["stop_reason"] = answer.stop_reason;
  message["stop_sequence"] = answer.stop_sequence;
  for (const auto& [name, content] : answer.extra.items()) message[name] = content;
  message["usage"] = answer.usage;
  return text_of(message);
}

std::vector<Event> events_of(const Message& answer) {
  std::vector<Event> events;
  const auto add = [&](Document data) {
    events.push_back({data["type"].get<std::string>(), text_of(data)});
  };
  Document message = message_frame(answer);
  message["usage"] = usage_at_start(answer);
  add({{"type", "message_start"}, {"message", std::move(message)}});
  add({{"type", "ping"}});
  for (std::size_t index = 0; index < answer.content.size(); ++index) {
    const Block& block = answer.content[index];
    add({{"type", "content_block_start"}, {"index", index}, {"content_block", first_sight(block)}});
    for (Document& delta : deltas_of(block))
      add({{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(delta)}});
    add({{"type", "content_block_stop"}, {"index", index}});
  }
  Document end = {{"stop_reason", answer.stop_reason}, {"stop_sequence", answer.stop_sequence}};
  for (const auto& [name, content] : answer.extra.items()) end[name] = content;
  Document usage = answer.usage;
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
