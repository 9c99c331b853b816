#include "mock/script_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ccproxy::mock {

using json::Document;

void Place::refuse(std::string_view what) const {
  if (complaint_.empty()) complaint_ = fmt::format("{} {}", path_, what);
}

void Place::knows(std::initializer_list<std::string_view> keys) const {
  if (!node_.is_object()) return refuse("must be an object");
  for (const auto& [key, content] : node_.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    refuse(fmt::format("has an unknown key \"{}\"; there are: {}", key, fmt::join(keys, ", ")));
  }
}

std::optional<Place> Place::at(std::string_view key) const {
  if (!node_.is_object()) return std::nullopt;
  const auto found = node_.find(std::string(key));
  if (found == node_.end()) return std::nullopt;
  return Place(*found, fmt::format("{}.{}", path_, key), complaint_);
}

void Place::each(FunctionRef<void(const Place&)> visit) const {
  if (!node_.is_array()) return refuse("must be a list");
  for (std::size_t i = 0; i < node_.size(); ++i)
    visit(Place(node_[i], fmt::format("{}[{}]", path_, i), complaint_));
}

std::string Place::text() const {
  if (node_.is_string()) return node_.get<std::string>();
  refuse("must be a string");
  return {};
}

std::string Place::text_or_json() const { return node_.is_string() ? text() : text_of(node_); }

std::int64_t Place::count() const {
  if (node_.is_number_unsigned()) return node_.get<std::int64_t>();
  refuse("must be a whole number, 0 or more");
  return 0;
}

Document Place::object() const {
  if (!node_.is_object()) refuse("must be an object");
  return node_;
}

std::vector<std::string> Place::texts() const {
  std::vector<std::string> all;
  each([&](const Place& place) { all.push_back(place.text()); });
  return all;
}

std::vector<std::pair<std::string, std::string>> Place::pairs() const {
  std::vector<std::pair<std::string, std::string>> all;
  if (node_.is_object()) {
    for (const auto& [name, value] : node_.items())
      all.emplace_back(name, Place(value, fmt::format("{}.{}", path_, name), complaint_).text());
    return all;
  }
  each([&](const Place& place) {
    const auto pair = place.texts();
    if (pair.size() == 2) return static_cast<void>(all.emplace_back(pair[0], pair[1]));
    place.refuse("must be a name and a value");
  });
  return all;
}

std::string Place::text(std::string_view key, std::string_view otherwise) const {
  const auto place = at(key);
  return place ? place->text() : std::string(otherwise);
}

std::int64_t Place::count(std::string_view key, std::int64_t otherwise) const {
  const auto place = at(key);
  return place ? place->count() : otherwise;
}

std::optional<bool> Place::flag(std::string_view key) const {
  const auto place = at(key);
  if (!place) return std::nullopt;
  if (place->node().is_boolean()) return place->node().get<bool>();
  place->refuse("must be true or false");
  return std::nullopt;
}

namespace {

// A text is cut into words, unless the script says how; `repeat` makes long streams short to write.
std::vector<std::string> deltas_of(const Place& place, std::string_view key) {
  const auto deltas = place.at("deltas");
  std::vector<std::string> once = deltas ? deltas->texts() : words_of(place.text(key, ""));
  std::vector<std::string> all;
  const std::int64_t repeat = place.count("repeat", 1);
  if (repeat > 1'000'000) place.refuse("repeats more than 1000000 times");
  for (std::int64_t i = 0; i < std::min<std::int64_t>(repeat, 1'000'000); ++i)
    all.insert(all.end(), once.begin(), once.end());
  return all;
}

void append_text(const Place& place, std::vector<Block>& content) {
  place.knows({"text", "deltas", "repeat", "citations"});
  TextBlock block{deltas_of(place, "text")};
  if (const auto citations = place.at("citations")) {
    citations->each([&](const Place& given) {
      Document citation = given.object();
      if (!citation.contains("type")) {
        citation["type"] = "web_search_result_location";
        citation["encrypted_index"] = "bW9jayBpbmRleA==";
      }
      block.citations.push_back(std::move(citation));
    });
  }
  content.emplace_back(std::move(block));
}

void append_thinking(const Place& place, std::vector<Block>& content) {
  place.knows({"thinking", "deltas", "repeat", "signature"});
  content.emplace_back(
      ThinkingBlock{deltas_of(place, "thinking"), place.text("signature", kSignature)});
}

void append_tool(const Place& place, std::vector<Block>& content, bool at_provider) {
  place.knows({"id", "name", "input", "fragments"});
  ToolUseBlock block{place.text("id", ""), place.text("name", ""), {}, at_provider};
  if (block.name.empty()) place.refuse("needs a name");
  if (const auto fragments = place.at("fragments")) {
    block.fragments = fragments->texts();
  } else if (const auto input = place.at("input")) {
    const std::string text = input->text_or_json();
    const std::size_t middle = text.size() / 2;
    if (text != "{}") block.fragments = {text.substr(0, middle), text.substr(middle)};
  }
  content.emplace_back(std::move(block));
}

void append_search(const Place& place, std::vector<Block>& content) {
  place.knows({"id", "query", "results", "error"});
  Document results = Document::array();
  if (const auto given = place.at("results")) {
    given->each([&](const Place& row) {
      Document result = {{"type", "web_search_result"}};
      result.update(row.object());
      if (!result.contains("encrypted_content")) result["encrypted_content"] = "bW9jayBjb250ZW50";
      results.push_back(std::move(result));
    });
  }
  if (const auto error = place.at("error"))
    results = {{"type", "web_search_tool_result_error"}, {"error_code", error->text()}};
  append_web_search(content, place.text("id", ""), place.text("query", ""), results);
}

}  // namespace

void append_blocks(const Place& place, std::vector<Block>& content) {
  if (place.at("thinking")) return append_thinking(place, content);
  if (place.at("text") || place.at("deltas")) return append_text(place, content);
  if (const auto data = place.at("redacted_thinking")) {
    place.knows({"redacted_thinking"});
    content.emplace_back(RedactedThinkingBlock{data->text()});
  } else if (const auto tool = place.at("tool_use")) {
    place.knows({"tool_use"});
    append_tool(*tool, content, false);
  } else if (const auto server_tool = place.at("server_tool_use")) {
    place.knows({"server_tool_use"});
    append_tool(*server_tool, content, true);
  } else if (const auto search = place.at("web_search")) {
    place.knows({"web_search"});
    append_search(*search, content);
  } else if (const auto block = place.at("block")) {
    place.knows({"block"});
    content.emplace_back(WholeBlock{block->object()});
  } else {
    place.refuse(
        "needs text, deltas, thinking, redacted_thinking, tool_use, server_tool_use, web_search "
        "or block");
  }
}

}  // namespace ccproxy::mock
