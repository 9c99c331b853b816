#include "mock/script_value.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ccproxy::mock {

using json::Document;

void ScriptValue::report(std::string_view message) const {
  if (error_.empty()) error_ = fmt::format("{} {}", path_, message);
}

void ScriptValue::allow_keys(std::initializer_list<std::string_view> keys) const {
  if (!node_.is_object()) return report("must be an object");
  for (const auto& [key, content] : node_.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    report(fmt::format("has an unknown key \"{}\"; the keys are: {}", key, fmt::join(keys, ", ")));
  }
}

std::optional<ScriptValue> ScriptValue::member(std::string_view key) const {
  if (!node_.is_object()) return std::nullopt;
  const auto found = node_.find(std::string(key));
  if (found == node_.end()) return std::nullopt;
  return ScriptValue(*found, fmt::format("{}.{}", path_, key), error_);
}

void ScriptValue::for_each(FunctionRef<void(const ScriptValue&)> visit) const {
  if (!node_.is_array()) return report("must be a list");
  for (std::size_t i = 0; i < node_.size(); ++i)
    visit(ScriptValue(node_[i], fmt::format("{}[{}]", path_, i), error_));
}

std::string ScriptValue::text() const {
  if (node_.is_string()) return node_.get<std::string>();
  report("must be a string");
  return {};
}

std::string ScriptValue::text_or_json() const {
  return node_.is_string() ? text() : text_of(node_);
}

std::int64_t ScriptValue::count() const {
  if (node_.is_number_unsigned()) return node_.get<std::int64_t>();
  report("must be a whole number, 0 or more");
  return 0;
}

Document ScriptValue::object() const {
  if (!node_.is_object()) report("must be an object");
  return node_;
}

std::vector<std::string> ScriptValue::strings() const {
  std::vector<std::string> all;
  for_each([&](const ScriptValue& value) { all.push_back(value.text()); });
  return all;
}

std::vector<std::pair<std::string, std::string>> ScriptValue::pairs() const {
  std::vector<std::pair<std::string, std::string>> all;
  if (node_.is_object()) {
    for (const auto& [name, value] : node_.items())
      all.emplace_back(name, ScriptValue(value, fmt::format("{}.{}", path_, name), error_).text());
    return all;
  }
  for_each([&](const ScriptValue& value) {
    const auto pair = value.strings();
    if (pair.size() == 2) return static_cast<void>(all.emplace_back(pair[0], pair[1]));
    value.report("must be a name and a value");
  });
  return all;
}

std::string ScriptValue::text(std::string_view key, std::string_view fallback) const {
  const auto value = member(key);
  return value ? value->text() : std::string(fallback);
}

std::int64_t ScriptValue::count(std::string_view key, std::int64_t fallback) const {
  const auto value = member(key);
  return value ? value->count() : fallback;
}

std::optional<bool> ScriptValue::flag(std::string_view key) const {
  const auto value = member(key);
  if (!value) return std::nullopt;
  if (value->node().is_boolean()) return value->node().get<bool>();
  value->report("must be true or false");
  return std::nullopt;
}

namespace {

// Returns the deltas of a text. Without `deltas` it is split into words; `repeat` keeps scripts of
// long streams short.
std::vector<std::string> deltas_of(const ScriptValue& value, std::string_view key) {
  const auto deltas = value.member("deltas");
  std::vector<std::string> once = deltas ? deltas->strings() : words_of(value.text(key, ""));
  std::vector<std::string> all;
  const std::int64_t repeat = value.count("repeat", 1);
  if (repeat > 1'000'000) value.report("repeats more than 1000000 times");
  for (std::int64_t i = 0; i < std::min<std::int64_t>(repeat, 1'000'000); ++i)
    all.insert(all.end(), once.begin(), once.end());
  return all;
}

void append_text(const ScriptValue& value, std::vector<Block>& content) {
  value.allow_keys({"text", "deltas", "repeat", "citations"});
  TextBlock block{deltas_of(value, "text")};
  if (const auto citations = value.member("citations")) {
    citations->for_each([&](const ScriptValue& given) {
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

void append_thinking(const ScriptValue& value, std::vector<Block>& content) {
  value.allow_keys({"thinking", "deltas", "repeat", "signature"});
  content.emplace_back(
      ThinkingBlock{deltas_of(value, "thinking"), value.text("signature", kSignature)});
}

void append_tool(const ScriptValue& value, std::vector<Block>& content, bool at_provider) {
  value.allow_keys({"id", "name", "input", "fragments"});
  ToolUseBlock block{value.text("id", ""), value.text("name", ""), {}, at_provider};
  if (block.name.empty()) value.report("needs a name");
  if (const auto fragments = value.member("fragments")) {
    block.fragments = fragments->strings();
  } else if (const auto input = value.member("input")) {
    const std::string text = input->text_or_json();
    const std::size_t middle = text.size() / 2;
    if (text != "{}") block.fragments = {text.substr(0, middle), text.substr(middle)};
  }
  content.emplace_back(std::move(block));
}

void append_search(const ScriptValue& value, std::vector<Block>& content) {
  value.allow_keys({"id", "query", "results", "error"});
  Document results = Document::array();
  if (const auto given = value.member("results")) {
    given->for_each([&](const ScriptValue& row) {
      Document result = {{"type", "web_search_result"}};
      result.update(row.object());
      if (!result.contains("encrypted_content")) result["encrypted_content"] = "bW9jayBjb250ZW50";
      results.push_back(std::move(result));
    });
  }
  if (const auto error = value.member("error"))
    results = {{"type", "web_search_tool_result_error"}, {"error_code", error->text()}};
  append_web_search(content, value.text("id", ""), value.text("query", ""), results);
}

}  // namespace

void append_blocks(const ScriptValue& value, std::vector<Block>& content) {
  if (value.member("thinking")) return append_thinking(value, content);
  if (value.member("text") || value.member("deltas")) return append_text(value, content);
  if (const auto data = value.member("redacted_thinking")) {
    value.allow_keys({"redacted_thinking"});
    content.emplace_back(RedactedThinkingBlock{data->text()});
  } else if (const auto tool = value.member("tool_use")) {
    value.allow_keys({"tool_use"});
    append_tool(*tool, content, false);
  } else if (const auto server_tool = value.member("server_tool_use")) {
    value.allow_keys({"server_tool_use"});
    append_tool(*server_tool, content, true);
  } else if (const auto search = value.member("web_search")) {
    value.allow_keys({"web_search"});
    append_search(*search, content);
  } else if (const auto block = value.member("block")) {
    value.allow_keys({"block"});
    content.emplace_back(WholeBlock{block->object()});
  } else {
    value.report(
        "needs text, deltas, thinking, redacted_thinking, tool_use, server_tool_use, web_search "
        "or block");
  }
}

}  // namespace ccproxy::mock
