#include "dialect/responses_echo.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// They stand first, where not_stored() finds them.
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
    std::string compact;
    compact.reserve(out_.size());
    json::append_compact(compact, out_);  // it stands in events, each on a line of its own
    return compact;
  }

 private:
  void append(std::string_view name, std::string_view json) {
    out_.append(",\"").append(name).append("\":").append(json);
  }

  static std::string_view or_else(Value value, std::string_view otherwise) {
    return value.is_absent() ? otherwise : value.raw();
  }

  void add(std::string_view name, std::string_view otherwise) {
    append(name, or_else(request_[name], otherwise));
  }

  // The first of these that was sent, under the name of the first.
  void add_first(std::initializer_list<std::string_view> names) {
    Value given;
    for (const std::string_view name : names)
      if (given.is_absent()) given = request_[name];
    append(*names.begin(), or_else(given, "null"));
  }

  void add_reasoning() {
    const Value reasoning = request_["reasoning"];
    Value effort = reasoning["effort"];
    if (effort.is_absent()) effort = request_["reasoning_effort"];
    if (effort.is_object()) effort = effort["effort"];
    if (effort.text().empty()) effort = {};
    Value summary = reasoning["summary"];
    if (summary.is_absent()) summary = reasoning["generate_summary"];
    out_.append(R"(,"reasoning":{"effort":)").append(or_else(effort, "null"));
    out_.append(R"(,"summary":)").append(or_else(summary, "null")).append("}");
  }

  void add_text() {
    const Value text = request_["text"];
    out_ += R"(,"text":{"format":)";
    if (text["format"].is_absent())
      add_chat_format(request_["response_format"]);
    else
      out_ += text["format"].raw();
    if (const Value verbosity = text["verbosity"]; !verbosity.is_absent())
      out_.append(R"(,"verbosity":)").append(verbosity.raw());
    out_ += '}';
  }

  // As this API has it: what chat puts into a member of its own stands in the format itself.
  void add_chat_format(Value format) {
    const Value schema = format["json_schema"];
    if (format["type"].text().escaped != "json_schema" || !schema.is_object()) {
      out_ += format.is_object() ? format.raw() : R"({"type":"text"})";
      return;
    }
    out_ += R"({"type":"json_schema")";
    for (const Value member : schema.children()) append_member(member);
    out_ += '}';
  }

  void append_member(Value member) {
    out_ += ",\"";
    json::append_escaped(out_, member.name());
    out_.append("\":").append(member.raw());
  }

  void add_tools() {
    out_ += R"(,"tools":[)";
    for (const Value tool : request_["tools"].children()) {
      if (out_.back() != '[') out_ += ',';
      if (tool["type"].text().escaped == "function")
        add_function(tool);
      else
        out_ += tool.raw();
    }
    out_ += ']';
  }

  // A function has these four, whether the client gave them or not.
  void add_function(Value tool) {
    constexpr std::array<std::string_view, 5> kShown = {"type", "name", "description", "parameters",
                                                        "strict"};
    out_.append(R"({"type":"function","name":)").append(or_else(tool["name"], "\"\""));
    out_.append(R"(,"description":)").append(or_else(tool["description"], "null"));
    out_.append(R"(,"parameters":)").append(or_else(tool["parameters"], "null"));
    out_.append(R"(,"strict":)").append(or_else(tool["strict"], "false"));
    for (const Value member : tool.children()) {
      if (std::find(kShown.begin(), kShown.end(), member.name()) != kShown.end()) continue;
      append_member(member);
    }
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
