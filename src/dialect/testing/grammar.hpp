// What holds for every response, whatever the upstream sends, for tests and fuzzers: its events are
// numbered without a gap, each item and part is opened and closed in its order, there is exactly
// one end, and the items add up to the object at the end. A fault is a sentence, empty when there
// is none.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/testing/fold.hpp"

namespace ccproxy::dialect::test {

// Reads a stream as a strict client does.
class ResponseReader {
 public:
  // Takes a whole stream of events, comments among them.
  void read(std::string_view stream) {
    while (!stream.empty() && fault_.empty()) {
      const auto end = stream.find("\n\n");
      if (end == std::string_view::npos) return report("an event without its blank line", stream);
      take(stream.substr(0, end));
      stream.remove_prefix(end + 2);
    }
    if (fault_.empty() && terminal_.is_null()) report("no end", "");
  }

  [[nodiscard]] const std::string& fault() const { return fault_; }
  // Returns the response object at the end of the stream.
  [[nodiscard]] const Document& response() const { return terminal_; }
  // Returns the names of the events, without "response.".
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  struct Part {
    std::string text;
    int annotations = 0;
    bool is_open = true;
  };
  struct Item {
    std::string type, call_id;
    std::vector<Part> parts{};
    std::string input{};    // arguments or input so far
    bool has_done = false;  // its input is complete
    Document final_json{};
  };

  void report(std::string_view what, std::string_view where) {
    if (fault_.empty()) fault_ = std::string(what) + ": " + std::string(where);
  }
  void expect(bool holds, std::string_view what, const Document& where) {
    if (!holds) report(what, where.dump());
  }

  void take(std::string_view frame) {
    if (frame.starts_with(":")) return;
    const auto line = frame.find('\n');
    if (!frame.starts_with("event: ") || line == std::string_view::npos ||
        frame.substr(line + 1, 6) != "data: ")
      return report("not an event", frame);
    const std::string name(frame.substr(7, line - 7));
    const std::string_view data = frame.substr(line + 7);
    const Document event = tree_of(data);
    if (event.is_discarded()) return report("no JSON", frame);
    if (!is_compact(data)) return report("white space between tokens", frame);
    expect(event.at("type") == name, "the name is not the type", event);
    expect(event.at("sequence_number") == names_.size(), "a gap in the numbers", event);
    expect(terminal_.is_null(), "something follows the end", event);
    names_.push_back(name.substr(std::string_view("response.").size()));
    take_event(names_.back(), event);
  }

  void take_event(const std::string& name, const Document& event) {
    if (event.contains("response")) return take_state(name, event);
    expect(has_begun_, "an item before the response", event);
    if (name == "output_item.added") return add_item(event);
    if (name == "output_item.done") return end_item(event);
    const auto index = event.at("output_index").get<std::size_t>();
    if (index >= items_.size()) return report("an item that was never added", event.dump());
    Item& item = items_[index];
    expect(ids_[index] == event.at("item_id"), "an item of another id", event);
    expect(item.final_json.is_null(), "the item was done", event);
    take_detail(name, event, item);
  }

  void take_state(const std::string& name, const Document& event) {
    const Document& response = event["response"];
    const std::string status = response.at("status");
    if (id_.is_null()) id_ = response.at("id");
    expect(id_ == response["id"], "another response", event);
    if (name == "created") return expect(names_.size() == 1, "created is first", event);
    if (name == "queued") return expect(names_.size() == 2, "queued follows created", event);
    if (name == "in_progress") {
      expect(!has_begun_ && status == "in_progress", "in_progress", event);
      has_begun_ = true;
      return;
    }
    expect(has_begun_, "an end before the beginning", event);
    const bool fits = (name == "completed" && status == "completed") ||
                      (name == "incomplete" && (status == "incomplete" || status == "cancelled")) ||
                      (name == "failed" && status == "failed");
    expect(fits, "the status does not fit the event", event);
    terminal_ = response;
    Document output = Document::array();
    for (const Item& item : items_) {
      if (!item.final_json.is_null()) output.push_back(item.final_json);
      expect(name == "failed" || !item.final_json.is_null(), "an item was not done", event);
    }
    expect(output == response.at("output"), "the output is not the items that were done", event);
  }

  void add_item(const Document& event) {
    const Document& json = event.at("item");
    expect(event.at("output_index") == items_.size(), "output_index is not the next", event);
    const std::string id = json.at("id");
    expect(!id.empty() && all_ids_.insert(id).second, "an id that is not new", event);
    ids_.push_back(id);
    items_.push_back({.type = json.at("type"), .call_id = json.value("call_id", "")});
  }

  void end_item(const Document& event) {
    const auto index = event.at("output_index").get<std::size_t>();
    if (index >= items_.size()) return report("an item that was never added", event.dump());
    Item& item = items_[index];
    const Document& json = event.at("item");
    expect(item.final_json.is_null(), "done twice", event);
    expect(json.at("id") == ids_[index] && json.at("type") == item.type &&
               json.value("call_id", "") == item.call_id,
           "the item has become another", event);
    for (const Part& part : item.parts) expect(!part.is_open, "a part is open", event);
    if (item.type == "function_call")
      expect(item.has_done && json.at("arguments") == item.input, "arguments differ", event);
    if (item.type == "custom_tool_call")
      expect(item.has_done && json.at("input") == item.input, "the input differs", event);
    if (item.type == "message")
      expect(json.at("content").size() == item.parts.size(), "parts differ", event);
    item.final_json = json;
  }

  void take_detail(const std::string& name, const Document& event, Item& item) {
    if (name.starts_with("web_search_call"))
      return expect(item.type == "web_search_call", "not a search", event);
    if (name.starts_with("function_call_arguments") || name.starts_with("custom_tool_call_input"))
      return take_input(name, event, item);
    const bool is_summary = name.starts_with("reasoning_summary");
    expect(item.type == (is_summary ? "reasoning" : "message"), "a part of another item", event);
    const auto index = event.at(is_summary ? "summary_index" : "content_index").get<std::size_t>();
    if (name.ends_with("part.added")) {
      expect(index == item.parts.size(), "a part's index is not the next", event);
      item.parts.emplace_back();
      return;
    }
    if (index >= item.parts.size()) return report("a part that was never added", event.dump());
    take_part(name, event, item.parts[index]);
  }

  void take_part(const std::string& name, const Document& event, Part& part) {
    expect(part.is_open, "the part was done", event);
    if (name.ends_with(".delta")) part.text += event.at("delta").get<std::string>();
    if (name == "output_text.annotation.added")
      expect(event.at("annotation_index") == part.annotations++, "annotation_index", event);
    for (const char* text : {"text", "refusal"})
      if (name.ends_with(".done") && event.contains(text))
        expect(event[text] == part.text, "the text is not its deltas", event);
    if (!name.ends_with("part.done")) return;
    part.is_open = false;
    const Document& json = event.at("part");
    expect(json.at(json.at("type") == "refusal" ? "refusal" : "text") == part.text,
           "the part is not its deltas", event);
    if (!json.contains("annotations")) return;
    expect(json["annotations"].size() == static_cast<std::size_t>(part.annotations),
           "annotations differ", event);
    for (const Document& one : json["annotations"]) expect_annotation(one, part.text, event);
  }

  void expect_annotation(const Document& one, const std::string& text, const Document& event) {
    const auto length =
        static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
          return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        }));
    if (one.at("type") == "file_citation")
      return expect(one.at("file_id").is_string() && one.at("filename").is_string() &&
                        one.at("index").get<std::size_t>() <= length,
                    "a file_citation", event);
    expect(one.at("type") == "url_citation" && one.at("url").is_string() &&
               one.at("title").is_string() && one.at("start_index") <= one.at("end_index") &&
               one.at("end_index").get<std::size_t>() <= length,
           "a url_citation", event);
  }

  void take_input(const std::string& name, const Document& event, Item& item) {
    const bool is_custom = name.starts_with("custom");
    expect(item.type == (is_custom ? "custom_tool_call" : "function_call"), "another call", event);
    expect(!item.has_done, "input after its end", event);
    if (name.ends_with(".delta")) {
      expect(!event.at("delta").get<std::string>().empty(), "an empty delta", event);
      item.input += event["delta"].get<std::string>();
      return;
    }
    item.has_done = true;
    expect(event.at(is_custom ? "input" : "arguments") == item.input, "input is not its deltas",
           event);
  }

  std::string fault_;
  std::vector<std::string> names_;
  Document id_, terminal_;
  bool has_begun_ = false;
  std::vector<Item> items_;
  std::vector<std::string> ids_;
  std::set<std::string> all_ids_;
};

// Returns the first fault of the stream and the whole body of one response; "" without a fault.
inline std::string fault_of_response(std::string_view stream, std::string_view whole) {
  ResponseReader reader;
  reader.read(stream);
  if (!reader.fault().empty()) return reader.fault() + "\n" + std::string(stream);
  const Document object = tree_of(whole);
  if (object.is_discarded()) return "the whole reply is not JSON: " + std::string(whole);
  const bool failed = reader.response().at("status") == "failed";
  if (failed != object.contains("error") || (failed && !object["error"].is_object()))
    if (!(object.contains("error") && object["error"].is_null() && !failed))
      return "only one of the two failed: " + std::string(whole);
  if (!failed && object != reader.response())
    return "streamed and whole differ: " + reader.response().dump() + "\n" + object.dump();
  return "";
}

}  // namespace ccproxy::dialect::test
