// The half of RequestTools that reads what only Responses has: namespaces, tools that clients run
// by themselves, and tools that come with the input (rule B.3).
#include <fmt/format.h>

#include <utility>

#include "dialect/request/tools.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// Clients know what these do; the model must be told.
constexpr std::string_view kLocalShellText = "Runs a command on the user's machine.";
constexpr std::string_view kLocalShell =
    R"({"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},"description":"The program and its arguments."},"env":{"type":"object","additionalProperties":{"type":"string"}},"timeout_ms":{"type":"integer"},"user":{"type":"string"},"working_directory":{"type":"string"}},"required":["command"]})";
constexpr std::string_view kShellText =
    "Runs shell commands on the user's machine, each by itself.";
constexpr std::string_view kShell =
    R"({"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"}},"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"]})";
constexpr std::string_view kApplyPatchText =
    "Creates, changes or deletes one file. `diff` is in the V4A format: lines that begin with a "
    "blank are context, with - are taken out, with + are put in.";
constexpr std::string_view kApplyPatch =
    R"({"type":"object","properties":{"operation":{"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},"path":{"type":"string"},"diff":{"type":"string","description":"Not for delete_file."}},"required":["type","path"]}},"required":["operation"]})";
constexpr std::string_view kToolSearchText = "Finds more tools.";

bool brings_tools(std::string_view type) {
  return type == "additional_tools" || type == "tool_search_output";
}

}  // namespace

void RequestTools::read_responses(Value request) {
  const Value tools = request["tools"];
  if (!tools.is_absent() && !tools.is_array()) report_.refuse_type("tools", "an array");
  if (const auto most = request["max_tool_calls"].integer(); most && *most > 0)
    most_searches_ = *most;
  expect(tools.children());
  look_for_search(tools.children());
  std::size_t index = 0;
  for (const Value tool : tools.children()) read_responses_tool(tool, {"tools", index++});
  yields_ = true;
  if (deferral_ == Deferral::kTold) deferral_ = Deferral::kAtOnce;  // they were searched for
  index = 0;
  for (const Value item : request["input"].children()) {
    const ToolPlace at{"input", index++};
    if (!brings_tools(item["type"].text().escaped)) continue;
    std::size_t number = 0;
    for (const Value tool : item["tools"].children())
      read_responses_tool(tool, {"tools", number++, &at});
  }
  name_all();
}

void RequestTools::read_responses_tool(Value tool, const ToolPlace& place) {
  const Value kind = tool["type"];
  const std::string_view type = kind.text().escaped;
  if (type == "function") return read_tool(tool, kind, place);
  if (type == "namespace") return read_namespace(tool, place);
  if (type == "local_shell")
    return add_own(type, ToolShape::kLocalShell, kLocalShellText, kLocalShell, place);
  if (type == "shell") return add_own(type, ToolShape::kShell, kShellText, kShell, place);
  if (type == "apply_patch")
    return add_own(type, ToolShape::kApplyPatch, kApplyPatchText, kApplyPatch, place);
  if (type != "tool_search") return read_tool(tool, kind, place);
  if (tool["execution"].text().escaped != "client") return;  // all tools go up at once
  const Value parameters = tool["parameters"], description = tool["description"];
  add_own(type, ToolShape::kToolSearch,
          description.text().empty() ? kToolSearchText : description.text().escaped,
          parameters.is_object() ? parameters.raw() : R"({"type":"object"})", place);
}

void RequestTools::read_namespace(Value tool_namespace, const ToolPlace& place) {
  const Value name = tool_namespace["name"];
  if (!name.is_string() || name.text().empty())
    return report_.refuse(place.param(".name"), "missing_required_parameter",
                          "A namespace needs a name.");
  tool_namespace_ = plain_text(name, arena_);
  namespace_description_ = tool_namespace["description"].text().escaped;
  std::size_t index = 0;
  for (const Value tool : tool_namespace["tools"].children())
    read_tool(tool, tool["type"], {"tools", index++, &place});
  tool_namespace_ = namespace_description_ = {};
}

void RequestTools::add_own(std::string_view name, ToolShape shape, std::string_view description,
                           std::string_view schema, const ToolPlace& place) {
  Tool tool{.client = name, .description = description, .schema = schema, .given = schema};
  tool.shape = shape;
  add(tool, place);
}

}  // namespace ccproxy::dialect
