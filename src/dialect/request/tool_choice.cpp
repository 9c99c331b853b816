#include "dialect/request/tool_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kDowngraded = "tool_choice_downgraded";
constexpr std::string_view kMustCall = "You must call one of the provided tools.";

// The name in a choice of one tool, in any of the shapes that clients use.
Value name_in(Value choice) {
  for (const char* wrapper : {"function", "custom"})
    if (choice[wrapper].is_object()) return choice[wrapper]["name"];
  return choice["name"];
}

// A tool in a namespace may be named without it, one of the provider's by its type.
bool is_named(const Tool& tool, std::string_view name) {
  return tool.client == name || (!tool.tool_namespace.empty() && tool.name_in_namespace == name) ||
         (!tool.type.empty() && tool.type == name);
}

// The name of the hosted tool that a kind of choice means: web_search_preview and the like are one
// tool here.
std::string_view hosted_name(std::string_view kind) {
  constexpr std::string_view kSearch = "web_search";
  return kind.starts_with(kSearch) ? kSearch : kind;
}

}  // namespace

ToolChoice ToolChooser::choose(Value request) {
  read(request);
  return std::move(choice_);
}

void ToolChooser::read(Value request) {
  const Value parallel = request["parallel_tool_calls"];
  if (!parallel.is_absent() && !parallel.boolean())
    report_.refuse_type("parallel_tool_calls", "a boolean");
  is_serial_ = is_legacy_ || !parallel.boolean().value_or(true);
  const bool is_function_call = is_legacy_ && request["tool_choice"].is_absent();
  const std::string_view param = is_function_call ? "function_call" : "tool_choice";
  const Value choice = request[param];
  std::string_view kind = choice.text().escaped;
  if (choice.is_object()) {
    kind = choice["type"].text().escaped;
    const Value allowed = choice["allowed_tools"];
    if (kind == "allowed_tools") return choose_allowed(allowed.is_object() ? allowed : choice);
    const bool is_of_tool = kind != "any" && kind != "auto" && kind != "none" && kind != "required";
    if (is_of_tool) {
      const Value name = name_in(choice);
      return choose_named(name.is_string() ? plain_text(name, arena_) : hosted_name(kind), kind,
                          param);
    }
  } else if (!choice.is_absent() && !choice.is_string()) {
    return report_.refuse_type(param, "a string or an object");
  }
  if (kind == "required" || kind == "any") return force_any();
  if (kind == "none") return set("none");
  if (!kind.empty() && kind != "auto")
    return report_.refuse(param, "invalid_value",
                          "Expected 'auto', 'none', 'required' or the name of a tool.");
  if (is_serial_) set("auto");
}

bool ToolChooser::is_other(const Tool& tool, std::string_view kind) const {
  const bool wants_function = kind.empty() || kind == "function" || kind == "custom";
  return shared_names_.contains(tool.client) && wants_function != tool.hosted.empty();
}

void ToolChooser::choose_named(std::string_view name, std::string_view kind,
                               std::string_view param) {
  const auto named = std::find_if(tools_.begin(), tools_.end(), [&](const Tool& tool) {
    return is_named(tool, name) && !is_other(tool, kind);
  });
  if (named == tools_.end())
    return report_.refuse(param, "invalid_value",
                          "The tool that is to be called is not in 'tools'.");
  choose_tool(*named, param);
}

void ToolChooser::choose_tool(const Tool& tool, std::string_view param) {
  if (can_force()) {
    choice_.is_forced = true;
    return set("tool", tool.upstream);
  }
  report_.warn(kDowngraded, param);
  choice_.hint = fmt::format("You must call the tool {}.", tool.upstream);
  tools_ = {tool};
  set("auto");
}

void ToolChooser::choose_allowed(Value allowed) {
  std::unordered_map<std::string_view, std::vector<std::string_view>> kinds;  // by name
  for (const Value entry : allowed["tools"].children()) {
    const Value name = name_in(entry);
    const std::string_view kind = entry["type"].text().escaped;
    kinds[name.is_string() ? plain_text(name, arena_) : hosted_name(kind)].push_back(kind);
  }
  const auto names = [&](std::string_view name, const Tool& tool) {
    const auto found = kinds.find(name);
    return found != kinds.end() &&
           !std::all_of(found->second.begin(), found->second.end(),
                        [&](std::string_view kind) { return is_other(tool, kind); });
  };
  const auto is_allowed = [&](const Tool& tool) {
    return names(tool.client, tool) ||
           (!tool.tool_namespace.empty() && names(tool.name_in_namespace, tool)) ||
           (!tool.type.empty() && names(tool.type, tool));
  };
  const auto count = std::count_if(tools_.begin(), tools_.end(), is_allowed);
  if (count == 0)
    return report_.refuse("tool_choice", "invalid_value",
                          "None of the allowed tools is in 'tools'.");
  const bool is_required = allowed["mode"].text().escaped == "required";
  if (is_required && can_force() && count == 1)
    return choose_tool(*std::find_if(tools_.begin(), tools_.end(), is_allowed), "tool_choice");
  std::erase_if(tools_, [&](const Tool& tool) { return !is_allowed(tool); });
  if (is_required) return force_any();
  if (is_serial_) set("auto");
}

void ToolChooser::force_any() {
  if (can_force()) {
    choice_.is_forced = true;
    return set("any");
  }
  report_.warn(kDowngraded, "tool_choice");
  choice_.hint = kMustCall;
  set("auto");
}

void ToolChooser::set(std::string_view type, std::string_view name) {
  std::string& json = choice_.json;
  json = fmt::format(R"({{"type":"{}")", type);
  if (!name.empty()) json.append(R"(,"name":")").append(name).append("\"");
  if (is_serial_ && type != "none") json += R"(,"disable_parallel_tool_use":true)";
  json += '}';
}

}  // namespace ccproxy::dialect
