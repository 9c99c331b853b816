#include "dialect/responses/call_item.hpp"

#include "json/outline.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

std::string_view type_of(ToolShape shape) {
  switch (shape) {
    case ToolShape::kFunction: return "function_call";
    case ToolShape::kCustom: return "custom_tool_call";
    case ToolShape::kLocalShell: return "local_shell_call";
    case ToolShape::kShell: return "shell_call";
    case ToolShape::kApplyPatch: return "apply_patch_call";
    case ToolShape::kToolSearch: break;
  }
  return "tool_search_call";
}

std::string_view or_else(Value value, std::string_view otherwise) {
  return value.is_absent() ? otherwise : value.raw();
}

// Members of the item that say what is to be done, from the input that the model wrote. Clients
// rely on those that are written here; what the model left out or wrote wrongly is empty.
std::string action_of(ToolShape shape, Value input) {
  std::string out;
  switch (shape) {
    case ToolShape::kLocalShell:
      out.append(R"(,"action":{"type":"exec","command":)").append(or_else(input["command"], "[]"));
      out.append(R"(,"env":)").append(or_else(input["env"], "{}"));
      for (const char* name : {"timeout_ms", "user", "working_directory"})
        if (const Value member = input[name]; !member.is_absent())
          out.append(",\"").append(name).append("\":").append(member.raw());
      return out += '}';
    case ToolShape::kShell:
      out.append(R"(,"action":{"commands":)").append(or_else(input["commands"], "[]"));
      out.append(R"(,"timeout_ms":)").append(or_else(input["timeout_ms"], "null"));
      out.append(R"(,"max_output_length":)").append(or_else(input["max_output_length"], "null"));
      return out += R"(},"environment":null)";
    case ToolShape::kApplyPatch: {
      const Value operation = input["operation"];
      out.append(R"(,"operation":)");
      return out.append(operation.is_object() ? operation.raw()
                                              : R"({"type":"update_file","path":"","diff":""})");
    }
    default:
      out.append(R"(,"execution":"client","arguments":)");
      return out.append(input.is_object() ? input.raw() : "{}");
  }
}

}  // namespace

CallItem::CallItem(ItemRef place, CallStart start)
    : place_(std::move(place)), start_(std::move(start)), at_(place_.reference()) {}

void CallItem::open(ResponseEvents& events, std::string& out) {
  if (is_streamed())
    events.add("output_item.added", {place_.whole(), json_of(ItemStatus::kInProgress)}, out);
}

void CallItem::emit(std::string_view partial, ResponseEvents& events, std::string& out) {
  if (partial.empty()) return;
  has_input_ = true;
  if (!is_custom()) return emit_streamed(partial, events, out);
  plain_.clear();
  json::append_decoded(plain_, {partial});
  emit_text(plain_, events, out);
}

// A piece of a custom tool's JSON, as far as its text is certain by now.
void CallItem::emit_text(std::string_view json, ResponseEvents& events, std::string& out) {
  text_.clear();
  custom_.feed(json, text_);
  escaped_.clear();
  json::append_escaped(escaped_, text_);
  emit_streamed(escaped_, events, out);
}

void CallItem::emit_streamed(std::string_view escaped, ResponseEvents& events, std::string& out) {
  if (escaped.empty()) return;
  input_ += escaped;
  if (!is_streamed()) return;
  events.add(is_custom() ? "custom_tool_call_input.delta" : "function_call_arguments.delta",
             {at_, R"(,"delta":")", escaped, "\""}, out);
}

// A call without a single byte of input is still owed valid arguments.
void CallItem::emit_missing(ResponseEvents& events, std::string& out) {
  if (is_custom()) return emit_text(start_.input, events, out);
  std::string escaped;
  json::append_escaped(escaped, start_.input.empty() ? std::string_view("{}") : start_.input);
  emit_streamed(escaped, events, out);
}

std::string CallItem::json_of(ItemStatus status) const {
  std::string json = R"({"id":")" + place_.id + R"(","type":")";
  json.append(type_of(start_.shape)).append(R"(","status":")").append(status_name(status));
  json.append(R"(","call_id":")").append(start_.id).append("\"");
  if (is_streamed()) {
    json.append(R"(,"name":")")
        .append(start_.name)
        .append(is_custom() ? R"(","input":")" : R"(","arguments":")");
    json.append(input_).append("\"");
    if (!start_.tool_namespace.empty())
      json.append(R"(,"namespace":")").append(start_.tool_namespace).append("\"");
  } else {
    std::string text;
    json::append_decoded(text, {input_});
    json::Outline outline;
    const bool is_json = status != ItemStatus::kInProgress && outline.read(text).has_value();
    // The model may write white space, such as line ends, between the tokens.
    json::append_compact(json, action_of(start_.shape, is_json ? outline.root() : Value()));
  }
  return json += '}';
}

void CallItem::close(ItemStatus status, ResponseEvents& events, std::string& out) {
  if (!has_input_) emit_missing(events, out);
  json_ = json_of(status);
  if (is_custom()) {
    events.add("custom_tool_call_input.done", {at_, R"(,"input":")", input_, "\""}, out);
  } else if (is_streamed()) {
    events.add("function_call_arguments.done", {at_, R"(,"arguments":")", input_, "\""}, out);
  } else {
    events.add("output_item.added", {place_.whole(), json_of(ItemStatus::kInProgress)}, out);
  }
  events.add("output_item.done", {place_.whole(), json_}, out);
}

}  // namespace ccproxy::dialect
