#include "dialect/responses/echo.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// Either is written first, where not_stored() finds it.
constexpr std::string_view kStored = R"(,"store":true)";
constexpr std::string_view kNotStored = R"(,"store":false)";

class Echo {
 public:
  explicit Echo(Value request) : request_(request) {}

  std::string run(bool stores) {
    out_ = stores ? kStored : kNotStored;
    add("background", "false");
    add("instructions", "null");
    add_first({"max_output_tokens", "max_completion_tokens", "max_tokens"});
    add("max_tool_calls", "null");
    add("metadata", "{}");
    add("parallel_tool_calls", "true");
    add("previous_response_id", "null");
    add("prompt_cache_key", "null");
    add_reasoning();
    add("safety_identifier", "null");
    add("temperature", "1");
    add("top_p", "1");
    append("presence_penalty", "0");
    append("frequency_penalty", "0");
    append("top_logprobs", "0");
    add_text();
    add("tool_choice", "\"auto\"");
    add_tools();
    append("truncation", "\"disabled\"");
    append("user", "null");
    return std::move(out_);
  }

 private:
  void append(std::string_view name, std::string_view json) {
    if (out_.back() != '{') out_ += ',';
    out_.append("\"").append(name).append("\":").append(json);
  }

  // Writes the value without line ends, since it becomes a part of SSE data lines.
  void append_value(Value value) {
    if (value.is_object() || value.is_array())
      json::append_compact(out_, value.raw());
    else
      out_ += value.raw();
  }

  void append_value(Value value, std::string_view otherwise) {
    if (value.is_absent())
      out_ += otherwise;
    else
      append_value(value);
  }

  void append(std::string_view name, Value value, std::string_view otherwise) {
    append(name, "");
    append_value(value, otherwise);
  }

  void add(std::string_view name, std::string_view otherwise) {
    append(name, request_[name], otherwise);
  }

  // Adds the first of these fields that the request has, under the first name.
  void add_first(std::initializer_list<std::string_view> names) {
    Value value;
    for (const std::string_view name : names)
      if (value.is_absent()) value = request_[name];
    append(*names.begin(), value, "null");
  }

  void add_reasoning() {
    const Value reasoning = request_["reasoning"];
    Value effort = reasoning["effort"];
    if (effort.is_absent()) effort = request_["reasoning_effort"];
    if (effort.is_object()) effort = effort["effort"];
    if (effort.text().empty()) effort = {};
    Value summary = reasoning["summary"];
    if (summary.is_absent()) summary = reasoning["generate_summary"];
    out_ += R"(,"reasoning":{)";
    append("effort", effort, "null");
    append("summary", summary, "null");
    out_ += '}';
  }

  void add_text() {
    const Value text = request_["text"];
    out_ += R"(,"text":{"format":)";
    if (text["format"].is_absent())
      add_chat_format(request_["response_format"]);
    else
      append_value(text["format"]);
    if (const Value verbosity = text["verbosity"]; !verbosity.is_absent())
      append("verbosity", verbosity, {});
    out_ += '}';
  }

  // Adds the response_format of Chat Completions in the shape of this API, where the members of
  // json_schema stand in the format itself.
  void add_chat_format(Value format) {
    const Value schema = format["json_schema"];
    if (format["type"].text().escaped != "json_schema" || !schema.is_object()) {
      if (!format.is_object())
        out_ += R"({"type":"text"})";
      else
        append_value(format);
      return;
    }
    out_ += R"({"type":"json_schema")";
    for (const Value member : schema.children()) append_member(member);
    out_ += '}';
  }

  void append_member(Value member) {
    out_ += ",\"";
    json::append_escaped(out_, member.name());
    out_ += "\":";
    append_value(member);
  }

  void add_tools() {
    out_ += R"(,"tools":[)";
    for (const Value tool : request_["tools"].children()) {
      if (out_.back() != '[') out_ += ',';
      if (tool["type"].text().escaped == "function")
        add_function(tool);
      else
        append_value(tool);
    }
    out_ += ']';
  }

  // The members of a function that come first, whether the client wrote them or not.
  struct FunctionMember {
    json::Name name;
    std::string_view before, otherwise;
  };
  static constexpr std::array<FunctionMember, 5> kMembers = {
      {{"type", R"({"type":)", {}},
       {"name", R"(,"name":)", R"("")"},
       {"description", R"(,"description":)", "null"},
       {"parameters", R"(,"parameters":)", "null"},
       {"strict", R"(,"strict":)", "false"}}};

  // The index of a member in kMembers; its size for another member.
  static std::size_t index_of(Value member) {
    std::size_t at = 0;
    while (at < kMembers.size() && !member.is_named(kMembers[at].name)) ++at;
    return at;
  }

  void add_function(Value tool) {
    std::array<Value, kMembers.size() + 1> values;  // the last stands for all other members
    for (const Value member : tool.children()) values[index_of(member)] = member;
    for (std::size_t at = 0; at < kMembers.size(); ++at) {
      out_ += kMembers[at].before;
      append_value(values[at], kMembers[at].otherwise);
    }
    if (values.back().kind() != json::ValueKind::kMissing)
      for (const Value member : tool.children())
        if (index_of(member) == kMembers.size()) append_member(member);
    out_ += '}';
  }

  Value request_;
  std::string out_;
};

}  // namespace

std::string echo_of(Value request, bool stores) { return Echo(request).run(stores); }

std::string not_stored(std::string echo) {
  if (echo.starts_with(kStored)) echo.replace(0, kStored.size(), kNotStored);
  return echo;
}

}  // namespace ccproxy::dialect
