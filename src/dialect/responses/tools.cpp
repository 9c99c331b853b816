#include "dialect/responses/tools.hpp"

#include <cstddef>
#include <string_view>

namespace ccproxy::dialect {
namespace {

using json::Value;

// Clients know these tools by their types; the model needs a description and a schema.
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

void ResponsesTools::read(Value request) {
  const Value tools = request["tools"];
  if (!tools.is_absent() && !tools.is_array()) report_.refuse_type("tools", "an array");
  if (const auto max = request["max_tool_calls"].integer(); max && *max > 0)
    tools_.limit_searches(*max);
  tools_.begin(tools.children());
  std::size_t index = 0;
  for (const Value tool : tools.children()) read_tool(tool, {"tools", index++});
  tools_.begin_found_tools();
  index = 0;
  for (const Value item : request["input"].children()) {
    const ToolPath path{"input", index++};
    if (!brings_tools(item["type"].text().escaped)) continue;
    std::size_t number = 0;
    for (const Value tool : item["tools"].children()) read_tool(tool, {"tools", number++, &path});
  }
  tools_.end();
}

void ResponsesTools::read_tool(Value tool, const ToolPath& path) {
  const Value kind = tool["type"];
  const std::string_view type = kind.text().escaped;
  if (type == "function") return tools_.read_tool(tool, kind, path);
  if (type == "namespace") return read_namespace(tool, path);
  if (type == "local_shell")
    return add_builtin(type, ToolShape::kLocalShell, kLocalShellText, kLocalShell, path);
  if (type == "shell") return add_builtin(type, ToolShape::kShell, kShellText, kShell, path);
  if (type == "apply_patch")
    return add_builtin(type, ToolShape::kApplyPatch, kApplyPatchText, kApplyPatch, path);
  if (type != "tool_search") return tools_.read_tool(tool, kind, path);
  // A search that the server is to run is not needed: all tools go up at once.
  if (tool["execution"].text().escaped != "client") return;
  const Value parameters = tool["parameters"], description = tool["description"];
  add_builtin(type, ToolShape::kToolSearch,
              description.text().empty() ? kToolSearchText : description.text().escaped,
              parameters.is_object() ? parameters.raw() : R"({"type":"object"})", path);
}

void ResponsesTools::read_namespace(Value tool_namespace, const ToolPath& path) {
  const Value name = tool_namespace["name"];
  if (!name.is_string() || name.text().empty())
    return report_.refuse(path.param(".name"), "missing_required_parameter",
                          "A namespace needs a name.");
  tools_.enter_namespace(plain_text(name, arena_), tool_namespace["description"].text().escaped);
  std::size_t index = 0;
  for (const Value tool : tool_namespace["tools"].children())
    tools_.read_tool(tool, tool["type"], {"tools", index++, &path});
  tools_.leave_namespace();
}

void ResponsesTools::add_builtin(std::string_view name, ToolShape shape,
                                 std::string_view description, std::string_view schema,
                                 const ToolPath& path) {
  Tool tool{.client = name, .description = description, .schema = schema, .source = schema};
  tool.shape = shape;
  tools_.add(tool, path);
}

}  // namespace ccproxy::dialect
