// Makes up responses of the upstream for tests: many kinds of blocks, cut anywhere. The same seed
// makes the same response.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/reply_plan.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect::test {

class Script {
 public:
  explicit Script(unsigned seed) : random_(seed) {}

  ReplyPlan plan() {
    ReplyPlan plan;
    plan.model = "claude-sonnet-5";
    plan.include_usage = flip();
    plan.show_reasoning = below(4) != 0;
    plan.legacy_functions = below(6) == 0;
    plan.custom_as_function = below(4) == 0;
    plan.strips_fence = below(4) == 0;
    plan.text_completion = below(8) == 0;
    plan.tools = {{"custom", "custom", ToolShape::kCustom}, {"renamed_1234", "renamed \"tool\""}};
    return plan;
  }

  ReplyPlan responses_plan() {
    ReplyPlan plan;
    plan.model = "claude-sonnet-5";
    plan.show_reasoning = flip();
    plan.strips_fence = below(4) == 0;
    plan.responses.family = "sonnet-5";
    plan.responses.shows_sources = flip();
    constexpr RefusalStyle kStyles[] = {RefusalStyle::kPart, RefusalStyle::kText,
                                        RefusalStyle::kIncomplete};
    plan.responses.refusal_style = kStyles[below(3)];
    plan.tools = {{"custom", "custom", ToolShape::kCustom},
                  {"renamed_1234", "renamed \"tool\"", ToolShape::kFunction, "space"}};
    constexpr ToolShape kShapes[] = {ToolShape::kFunction, ToolShape::kLocalShell,
                                     ToolShape::kShell, ToolShape::kApplyPatch,
                                     ToolShape::kToolSearch};
    plan.tools.push_back({"plain", "plain", kShapes[below(5)]});
    return plan;
  }

  // Returns an event stream. Some pause and go on, break off or end with an error.
  std::string events() {
    events_.clear();
    while (message() == "pause_turn") {
    }
    return events_;
  }

  // Returns the events with a few bytes changed, lost, added or repeated.
  std::string damaged(std::string events) {
    static constexpr std::string_view kBytes = "{}[]\",:\\untf01e \x80\xE2\x01";
    for (std::size_t count = below(4) + 1; count > 0; --count) {
      const std::size_t at = below(events.size());
      switch (below(4)) {
        case 0: events[at] = kBytes[below(kBytes.size())]; break;
        case 1: events.insert(at, 1, kBytes[below(kBytes.size())]); break;
        case 2: events.erase(at, below(8)); break;
        default: events.insert(at, events.substr(below(events.size()), below(64)));
      }
    }
    return events;
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }
  bool flip() { return below(2) == 0; }
  std::string pick(std::initializer_list<const char*> choices) {
    return choices.begin()[below(choices.size())];
  }

  // Adds white space after some of the structural characters of some texts.
  std::string spaced(std::string_view json, std::initializer_list<const char*> spaces) {
    if (below(3) != 0) return std::string(json);
    std::string out;
    bool is_string = false, is_escaped = false;
    for (const char c : json) {
      out += c;
      if (c == '"' && !is_escaped) is_string = !is_string;
      is_escaped = is_string && c == '\\' && !is_escaped;
      const bool is_between = !is_string && std::string_view("{}[],:").find(c) != std::string::npos;
      if (is_between && below(4) == 0) out += pick(spaces);
    }
    return out;
  }

  // Returns JSON as models write it, with any white space, and sometimes with one that JSON does
  // not allow.
  std::string model_json(std::string_view json) {
    const bool is_broken = below(16) == 0;
    return is_broken ? spaced(json, {" ", "\xE2\x80\xA8"})
                     : spaced(json, {" ", "\t", "\n", "\r\n", "\n\n", " \r"});
  }

  // Appends an event. A line end in the JSON begins another data line.
  void event(const std::string& name, const std::string& members) {
    std::string json = "{\"type\":\"" + name + "\"";
    if (!members.empty()) json.append(",").append(members);
    events_.append("event: ").append(name).append("\ndata: ");
    for (const char c : spaced(json += '}', {" ", "\t", "\n", "\r\n", "\n\n"})) {
      events_ += c;
      if (c == '\n') events_ += "data: ";
    }
    events_ += "\n\n";
    if (below(8) == 0 && name != "ping") event("ping", "");
  }

  // Appends a message and returns its stop reason; empty when the message does not stop.
  std::string message() {
    event("message_start", R"("message":{"usage":{"input_tokens":)" + std::to_string(below(99)) +
                               R"(,"output_tokens":1,"service_tier":)" +
                               pick({"\"standard\"", "\"priority\"", "\"batch\"", "null"}) + "}}");
    for (std::size_t blocks = below(5); blocks > 0; --blocks) block();
    if (below(16) == 0) return "";
    if (below(16) == 0) {
      event("error", R"("error":{"type":"overloaded_error","message":"m"})");
      return "";
    }
    std::string reason = pick({"end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal",
                               "pause_turn", "brand_new"});
    event("message_delta", R"("delta":{"stop_reason":")" + reason +
                               R"(","stop_details":{"explanation":)" + pick({"null", "\"E\""}) +
                               R"(}},"usage":{"output_tokens":)" + std::to_string(below(99)) + "}");
    event("message_stop", "");
    return reason;
  }

  void block() {
    switch (below(8)) {
      case 0: return blocks_of("text", "text", "text_delta", cut_text());
      case 1: return blocks_of("text", "text", "text_delta", cut_text(), true);
      case 2: return thought();
      case 3: return search();
      case 4: return blocks_of("new_block", "text", "text_delta", cut_text());
      default: return call();
    }
  }

  void begin(const std::string& members) {
    event("content_block_start", R"("index":0,"content_block":{)" + members + "}");
  }
  void delta(const std::string& members) {
    event("content_block_delta", R"("index":0,"delta":{)" + members + "}");
  }
  // Ends a block; in some responses the end is missing.
  void end() {
    if (below(16) != 0) event("content_block_stop", R"("index":0)");
  }

  void blocks_of(const std::string& type, const std::string& member, const std::string& delta_type,
                 const std::vector<std::string>& pieces, bool cites = false) {
    begin(R"("type":")" + type + R"(",")" + member + R"(":")" + pick({"", "", "x"}) + "\"");
    for (const std::string& piece : pieces)
      delta(R"("type":")" + delta_type + R"(",")" + member + R"(":")" + piece + "\"");
    for (std::size_t count = cites ? below(3) + 1 : 0; count > 0; --count)
      delta(R"("type":"citations_delta","citation":{"type":")" + citation() + "}");
    end();
  }

  // Returns the members of a citation, after the opening quotation mark of its type.
  std::string citation() {
    const std::string title = pick({"null", "\"t\""});
    switch (below(4)) {
      case 0:
        return R"(search_result_location","source":")" + pick({"u", "s"}) + R"(","title":)" + title;
      case 1:
        return pick({"char_location", "page_location", "content_block_location"}) +
               R"(","document_index":0,"document_title":)" + title + R"(,"file_id":)" +
               pick({"null", "\"file_1\""});
      case 2:
        return pick({"web_search_result_location", "new_location"}) + R"(","url":"w","title":)" +
               title;
      default:
        return R"(web_search_result_location","url":")" + pick({"u", "v"}) + R"(","title":)" +
               title;
    }
  }

  void thought() {
    if (below(4) == 0) {
      begin(R"("type":"redacted_thinking","data":"D")");
      return end();
    }
    begin(R"("type":"thinking","thinking":"","signature":"")");
    for (const std::string& piece : cut_text())
      delta(R"("type":"thinking_delta","thinking":")" + piece + "\"");
    if (below(4) != 0) delta(R"("type":"signature_delta","signature":"S")");
    end();
  }

  // Appends one or two searches. Some results are missing or are errors.
  void search() {
    const int count = flip() ? 1 : 2;
    for (int number = 0; number < count; ++number) {
      begin(R"("type":"server_tool_use","id":"srvtoolu_)" + std::to_string(number) +
            R"(","name":"web_search","input":{})");
      std::string query;
      json::append_escaped(query, model_json(R"({"query":"q"})"));
      delta(R"("type":"input_json_delta","partial_json":")" + query + "\"");
      end();
    }
    for (int number = 0; number < count; ++number) {
      if (below(8) == 0) continue;
      begin(R"("type":"web_search_tool_result","tool_use_id":"srvtoolu_)" + std::to_string(number) +
            R"(","content":)" +
            pick({R"([{"type":"web_search_result","url":"u","title":"t"}])",
                  R"({"type":"web_search_tool_result_error","error_code":"max_uses_exceeded"})"}));
      end();
    }
  }

  void call() {
    begin(R"("type":")" + pick({"tool_use", "tool_use", "server_tool_use"}) +
          R"(","id":"toolu_1","name":")" + pick({"custom", "renamed_1234", "plain"}) +
          R"(","input":)" + pick({"{}", R"({"q":1})"}));
    std::string json = pick({"", R"({"input":")", R"({ "input" : ")", R"({"other":")"});
    if (!json.empty())
      for (const std::string& piece : cut_text()) json += piece;
    if (!json.empty() && flip()) json += "\"}";
    if (below(3) == 0)
      json = R"({"commands":["ls","a \" b"],"command":["x"],"env":{"A":"1"},)"
             R"("timeout_ms":5,"operation":{"type":"update_file","diff":"d"}})";
    json = model_json(json);
    for (std::size_t at = 0; at < json.size();) {
      std::size_t size = below(6) + 1;
      while (at + size < json.size() &&
             (static_cast<unsigned char>(json[at + size]) & 0xC0U) == 0x80U)
        ++size;  // upstream cuts between characters only
      std::string piece;
      json::append_escaped(piece, std::string_view(json).substr(at, size));
      delta(R"("type":"input_json_delta","partial_json":")" + piece + "\"");
      at += size;
    }
    end();
  }

  // Returns pieces of a JSON string, still escaped; some are empty.
  std::vector<std::string> cut_text() {
    std::vector<std::string> pieces(below(5));
    for (std::string& piece : pieces)
      for (std::size_t atoms = below(6); atoms > 0; --atoms)
        piece += pick({"a", "b c", "é", "😀", R"(\u00e9)", R"(\ud83d\ude00)", R"(\ud83d)",
                       R"(\ude00)", R"(\n)", R"(\")", R"(\\)", "`", "```", R"(```json\n)",
                       R"(\n```)", " ", "{", "}"});
    return pieces;
  }

  std::mt19937 random_;
  std::string events_;
};

}  // namespace ccproxy::dialect::test
