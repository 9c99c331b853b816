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

std::string_view raw_or(Value value, std::string_view fallback) {
  return value.is_absent() ? fallback : value.raw();
}

// Returns the members of the item that say what to do, made from the model's input. Clients rely on
// these members, so one that the model left out or got wrong is there but empty.
std::string action_of(ToolShape shape, Value input) {
  std::string out;
  switch (shape) {
    case ToolShape::kLocalShell:
      out.append(R"(,"action":{"type":"exec","command":)").append(raw_or(input["command"], "[]"));
      out.append(R"(,"env":)").append(raw_or(input["env"], "{}"));
      for (const char* name : {"timeout_ms", "user", "working_directory"})
        if (const Value member = input[name]; !member.is_absent())
          out.append(",\"").append(name).append("\":").append(member.raw());
      return out += '}';
    case ToolShape::kShell:
      out.append(R"(,"action":{"commands":)").append(raw_or(input["commands"], "[]"));
      out.append(R"(,"timeout_ms":)").append(raw_or(input["timeout_ms"], "null"));
      out.append(R"(,"max_output_length":)").append(raw_or(input["max_output_length"], "null"));
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

CallItem::CallItem(ItemRef ref, CallStart start)
    : ref_(std::move(ref)), start_(std::move(start)), input_members_(ref_.reference()) {
  stream_.begin(is_custom(), std::move(start_.input));
}

void CallItem::open(ResponseEvents& events, std::string& out) {
  if (is_streamed())
    events.add("output_item.added", {ref_.item_member(), json_of(ItemStatus::kInProgress)}, out);
}

void CallItem::emit_input(std::string_view partial, ResponseEvents& events, std::string& out) {
  pass_input(stream_.feed(partial), events, out);
}

void CallItem::pass_input(std::string_view escaped, ResponseEvents& events, std::string& out) {
  if (escaped.empty()) return;
  input_ += escaped;
  if (!is_streamed()) return;
  events.add(is_custom() ? "custom_tool_call_input.delta" : "function_call_arguments.delta",
             {input_members_, R"(,"delta":")", escaped, "\""}, out);
}

std::string CallItem::json_of(ItemStatus status) const {
  std::string json = R"({"id":")" + ref_.id + R"(","type":")";
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
  pass_input(stream_.finish(), events, out);
  json_ = json_of(status);
  if (is_custom()) {
    events.add("custom_tool_call_input.done", {input_members_, R"(,"input":")", input_, "\""}, out);
  } else if (is_streamed()) {
    events.add("function_call_arguments.done", {input_members_, R"(,"arguments":")", input_, "\""},
               out);
  } else {
    events.add("output_item.added", {ref_.item_member(), json_of(ItemStatus::kInProgress)}, out);
  }
  events.add("output_item.done", {ref_.item_member(), json_}, out);
}

}  // namespace ccproxy::dialect
