#include "dialect/request/tools.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "dialect/request/cache_control.hpp"
#include "dialect/request/remembered_turn.hpp"
#include "dialect/request/tool_schema.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kWebSearch = "web_search";
constexpr std::size_t kMaxStrict = 20;
constexpr std::string_view kTextSchema =
    R"({"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false})";

// The member `wrapper` where it is an object, else `object` itself: some clients leave the wrapper
// out.
Value inside(Value object, std::string_view wrapper) {
  const Value inner = object[wrapper];
  return inner.is_object() ? inner : object;
}

std::int64_t max_uses(std::string_view context_size) {
  if (context_size == "low") return 2;
  return context_size == "high" ? 10 : 5;
}

// `type` is the type of a tool of the provider's, with its version.
bool is_run_by_provider(std::string_view type) {
  constexpr std::array<std::string_view, 5> kPrefixes = {
      "web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "advisor_"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return type.starts_with(prefix); });
}

// The description of a custom tool, with the grammar of its input: the Messages API has no other
// member for it.
std::string description_with_grammar(std::string_view description, Value custom) {
  std::string text(description);
  const Value format = custom["format"];
  if (format["type"].text().escaped != "grammar") return text;
  const Value grammar = inside(format, "grammar");
  if (!text.empty()) text += "\\n\\n";
  return text.append("The input must match this grammar (")
      .append(grammar["syntax"].text().escaped)
      .append("):\\n")
      .append(grammar["definition"].text().escaped);
}

void append_text_members(std::string& out, Value object, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const Value text = object[name]; text.is_string() && !text.text().empty())
      out.append(",\"").append(name).append("\":").append(text.raw());
}

// The costs of a request's schemas, one after another. Many tools may have the same schema, as all
// without parameters do: it is read once and its cost counts for each. A schema that there was too
// little work left for stays too expensive.
class StrictSchemas {
 public:
  // Returns nothing where upstream cannot enforce the schema without a change.
  std::optional<SchemaCost> cost_unchanged(std::string_view schema) {
    if (schema == last_) {
      if (spent_ == 0 || spent_ > work_.left) return std::nullopt;
      work_.left -= spent_;
      return cost_;
    }
    const std::size_t before = work_.left;
    const auto read = output_schema(schema, work_);
    last_ = schema;
    spent_ = before - work_.left;
    cost_ = read && !read->changed ? std::optional(read->cost) : std::nullopt;
    return cost_;
  }

 private:
  SchemaWork work_;
  std::string_view last_{};
  std::size_t spent_ = 0;  // work for the last one; 0 where none was left
  std::optional<SchemaCost> cost_{};
};

}  // namespace

void RequestTools::read(Value request) {
  const Value tools = request["tools"], functions = request["functions"];
  if (!tools.is_absent() && !tools.is_array()) report_.refuse_type("tools", "an array");
  if (!functions.is_absent() && !functions.is_array()) report_.refuse_type("functions", "an array");
  begin(tools.children());
  std::size_t index = 0;
  for (const Value tool : tools.children()) read_tool(tool, tool["type"], {"tools", index++});
  is_legacy_ = tools_.empty() && !functions.children().empty();
  index = 0;
  for (const Value function : functions.children())
    read_function(function, function, {"functions", index++});
  if (const Value search = request["web_search_options"]; search.is_object()) {
    if (options_.web_search)
      add_web_search(search, {"web_search_options"});
    else
      report_.ignore("web_search_options");
  } else if (!search.is_absent()) {
    report_.refuse_type("web_search_options", "an object");
  }
  end();
}

// Tables that grow are copied, and for a moment there are two of them.
void RequestTools::begin(Value::Range tools) {
  const auto count = static_cast<std::size_t>(std::distance(tools.begin(), tools.end()));
  tools_.reserve(count);
  sources_.reserve(count);
  names_.reserve_names(count);
  look_for_search(tools);
}

// Finds out what can find a tool that is not loaded: the provider's search, the client's, or none.
void RequestTools::look_for_search(Value::Range tools) {
  for (const Value tool : tools) {
    const std::string_view type = tool["type"].text().escaped;
    if (is_tool_search(type)) deferral_ = Deferral::kForwarded;
    if (type == "tool_search" && deferral_ == Deferral::kIgnored)
      deferral_ = Deferral::kLoadedAtOnce;
  }
}

void RequestTools::read_tool(Value tool, Value type, const ToolPath& path) {
  if (!tool.is_object()) return report_.refuse_type(path.param(), "an object");
  if (!type.is_absent() && !type.is_string())
    return report_.refuse_type(path.param(".type"), "a string");
  const std::string_view kind = type.text().escaped;
  if (kind == "function" || kind.empty() || tool["input_schema"].is_object())
    return read_function(inside(tool, "function"), tool, path);
  if (kind == "custom") return read_custom(inside(tool, "custom"), tool, path);
  read_hosted(tool, kind, path);
}

void RequestTools::read_function(Value function, Value tool, const ToolPath& path) {
  const bool is_wrapped = function.raw().data() != tool.raw().data();
  const char* const inner = is_wrapped ? ".function" : "";
  const Value name = function["name"];
  if (!name.is_string() || name.text().empty())
    return report_.refuse(path.param(inner) + ".name", "missing_required_parameter",
                          "A tool needs a name.");
  Value parameters = function["parameters"];
  if (parameters.is_absent()) parameters = function["input_schema"];
  const auto schema = tool_schema(parameters, arena_);
  if (!schema)
    return report_.refuse(
        path.param(inner) + ".parameters", "invalid_value",
        fmt::format("The parameters of tool '{}' are not the JSON schema of an object.",
                    plain_text(name, arena_)));
  Tool added{.client = plain_text(name, arena_), .schema = *schema, .source = function.raw()};
  if (const Value text = function["description"]; text.is_string() && !json::is_blank(text.text()))
    added.description = text.text().escaped;
  added.is_strict = function["strict"].boolean().value_or(false);
  read_members({tool, function, path, inner}, added);
  add(added, path, inner);
}

void RequestTools::read_custom(Value custom, Value tool, const ToolPath& path) {
  const Value name = custom["name"];
  if (!name.is_string() || name.text().empty())
    return report_.refuse(path.param(".custom.name"), "missing_required_parameter",
                          "A tool needs a name.");
  Tool added{.client = plain_text(name, arena_), .schema = kTextSchema, .source = custom.raw()};
  added.description =
      arena_.store(description_with_grammar(custom["description"].text().escaped, custom));
  added.shape = ToolShape::kCustom;
  const bool is_flat = custom.raw().data() == tool.raw().data();
  read_members({tool, custom, path, is_flat ? "" : ".custom", false}, added);
  add(added, path, ".custom");
}

// A deferred tool has no breakpoint, since upstream does not load it into what is cached.
void RequestTools::read_members(const ToolSource& source, Tool& tool) {
  ToolMembers members = read_tool_members(source, deferral_, refused_members_, report_);
  const std::string_view eager = anthropic::kToolMembers[anthropic::kEagerInputStreaming];
  const bool is_refused =
      std::find(refused_members_.begin(), refused_members_.end(), eager) != refused_members_.end();
  if (options_.eager_input_streaming && !members.is_eager_set && !is_refused)
    members.json.append(",\"").append(eager).append("\":true");
  tool.members = arena_.store(std::move(members.json));
  tool.is_deferred = members.is_deferred;
  if (tool.is_deferred) return;
  tool.cache_control = cache_control_of(source.inner);
  if (source.is_wrapped())
    tool.cache_control = std::max(tool.cache_control, cache_control_of(source.tool));
}

void RequestTools::read_hosted(Value tool, std::string_view type, const ToolPath& path) {
  const bool is_search = type.starts_with(kWebSearch);
  if (is_search && !options_.web_search)
    return report_.ignore(path.param(".type"), "unsupported_tool");
  if (is_versioned(type) && tool["name"].is_string()) {
    Tool hosted{.client = plain_text(tool["name"], arena_), .source = tool.raw()};
    hosted.hosted = forwarded_tool(tool, path, refused_members_, report_, arena_);
    hosted.type = type;
    hosted.is_run_by_client = !is_run_by_provider(type);
    hosted.cache_control = cache_control_of(tool);
    return add(hosted, path);
  }
  if (!is_search) return report_.ignore(path.param(".type"), "unsupported_tool");
  if (tool["external_web_access"].boolean().value_or(true)) add_web_search(tool, path);
}

void RequestTools::add_web_search(Value settings, const ToolPath& path) {
  std::string tool =
      fmt::format(R"({{"type":"web_search_20250305","name":"{}","max_uses":{})", kWebSearch,
                  max_searches_.value_or(max_uses(settings["search_context_size"].text().escaped)));
  if (const Value domains = settings["filters"]["allowed_domains"]; domains.is_array())
    tool.append(R"(,"allowed_domains":)").append(domains.raw());
  const Value user = inside(settings["user_location"], "approximate");
  std::string where;
  append_text_members(where, user, {"city", "region", "country", "timezone"});
  if (!where.empty())
    tool.append(R"(,"user_location":{"type":"approximate")").append(where).append("}");
  tool += '}';
  Tool hosted{.client = kWebSearch, .hosted = arena_.store(std::move(tool))};
  hosted.source = hosted.hosted;
  add(hosted, path);
}

// A request may declare the web search in several ways at once, but upstream takes each name once:
// the first counts.
void RequestTools::add_hosted(const Tool& tool, const ToolPath& path) {
  const auto [known, is_new] = hosted_.try_emplace(tool.client, tool.hosted);
  if (is_new) return tools_.push_back(tool);
  if (known->second != tool.hosted) report_.ignore(path.param(), "unsupported_tool");
}

void RequestTools::enter_namespace(std::string_view name, std::string_view description) {
  tool_namespace_ = name;
  namespace_description_ = description;
}

void RequestTools::leave_namespace() { tool_namespace_ = namespace_description_ = {}; }

void RequestTools::begin_found_tools() {
  yields_ = true;
  if (deferral_ == Deferral::kIgnored) deferral_ = Deferral::kLoadedAtOnce;
}

void RequestTools::add(Tool& tool, const ToolPath& path, const char* inner) {
  if (!tool_namespace_.empty()) {
    tool.tool_namespace = tool_namespace_;
    tool.name_in_namespace = tool.client;
    std::string name(tool_namespace_);
    tool.client = arena_.store(name.append("__").append(tool.name_in_namespace));
    if (const auto description = std::exchange(namespace_description_, {}); !description.empty())
      tool.description = arena_.store(fmt::format(
          "{}{}{}", description, tool.description.empty() ? "" : "\\n\\n", tool.description));
  }
  // A tool of the provider's and one of the client's may have the same name: they differ upstream.
  if (!tool.hosted.empty()) return add_hosted(tool, path);
  const auto [known, is_new] = sources_.try_emplace(tool.client, tool.source);
  if (tool.shape == ToolShape::kCustom) custom_.insert(tool.client);
  if (is_new) return tools_.push_back(tool);
  if (known->second != tool.source && !yields_)
    report_.refuse(path.param(inner) + ".name", "invalid_value",
                   fmt::format("There are two different tools named '{}'.", tool.client));
}

// A function yields its name to a tool of the provider's. A tool of the provider's that the client
// runs is announced like a function, since its calls in the history look like those of one.
void RequestTools::end() {
  for (const Tool& tool : tools_) {
    if (tool.hosted.empty()) continue;
    const bool is_alone = !sources_.contains(tool.client);
    if (tool.is_run_by_client && is_alone)
      names_.announce(tool.client);
    else
      names_.reserve(tool.client);
    if (tool.is_run_by_client && !is_alone)
      shared_names_.try_emplace(tool.client, std::string_view());
  }
  if (!shared_names_.empty())
    for (const Tool& tool : tools_)
      if (const auto shared = shared_names_.find(tool.client);
          tool.hosted.empty() && shared != shared_names_.end())
        shared->second = InputShape(tool.schema);
  for (Tool& tool : tools_)
    tool.upstream = tool.hosted.empty() ? names_.announce(tool.client) : tool.client;
  for (Tool& tool : tools_)
    if (tool.upstream.empty()) tool.upstream = names_.upstream(tool.client);
}

// A tool is strict only where its schema can be enforced without a change, and while there is room:
// upstream refuses a request whose schemas cost too much together. The last tools yield.
void RequestTools::settle_strict(SchemaCost taken) {
  const bool may_be_strict =
      options_.strict_tools == StrictTools::kAuto && can_.strict_tools && can_.structured_outputs;
  std::size_t count = 0;
  StrictSchemas schemas;
  for (Tool& tool : tools_) {
    if (!tool.is_strict) continue;
    tool.is_strict = count <= kMaxStrict;  // the later ones yield in any case
    if (!tool.is_strict) continue;
    const auto cost = may_be_strict ? schemas.cost_unchanged(tool.schema) : std::nullopt;
    tool.is_strict = cost.has_value();
    if (!cost) continue;
    tool.cost = *cost;
    taken += tool.cost;
    ++count;
  }
  for (auto tool = tools_.rbegin(); count > kMaxStrict || !taken.fits(); ++tool) {
    if (!tool->is_strict) continue;
    tool->is_strict = false;
    taken -= tool->cost;
    --count;
  }
}

void RequestTools::choose(Value request) {
  choice_ = ToolChooser(can_, tools_, shared_names_, is_legacy_, report_, arena_).choose(request);
}

void RequestTools::call_none() {
  choice_ = {};
  if (!tools_.empty()) choice_.json = kCallNoTool;
}

void RequestTools::drop_strict() {
  for (Tool& tool : tools_) tool.is_strict = false;
}

// Where two tools of the request share the name, the remembered turn of the call says which of them
// was called; without one, the input does.
std::string_view RequestTools::upstream_of_call(const ClientCall& call,
                                                const TurnMemory* memory) const {
  const std::string_view function = names_.upstream(call.name);
  const auto shared = shared_names_.find(call.name);
  if (shared == shared_names_.end()) return function;
  if (const auto turn = memory != nullptr ? memory->by_id(call.id) : nullptr)
    for (const anthropic::ToolCall& remembered : turn->calls)
      if (remembered.id == call.id) return remembered.name == call.name ? call.name : function;
  return shared->second.fits(call.input.json) ? function : call.name;
}

void RequestTools::add_from_history(std::string_view client) {
  if (!sources_.try_emplace(client).second) return;
  tools_.push_back({.client = client, .schema = R"({"type":"object"})"});
  tools_.back().upstream = names_.upstream(client);
  choice_.json = kCallNoTool;
}

void RequestTools::append(std::string& out) const {
  const bool has_search = std::any_of(tools_.begin(), tools_.end(),
                                      [](const Tool& tool) { return is_tool_search(tool.type); });
  out += '[';
  for (const Tool& tool : tools_) {
    if (&tool != tools_.data()) out += ',';
    if (!tool.hosted.empty()) {
      out.append(tool.hosted, 0, tool.hosted.size() - 1);
    } else {
      out.append(R"({"name":")").append(tool.upstream).append("\"");
      if (!tool.description.empty())
        out.append(R"(,"description":")").append(tool.description).append("\"");
      out.append(R"(,"input_schema":)").append(tool.schema);
      if (tool.is_strict) out += R"(,"strict":true)";
      if (tool.is_deferred && has_search) out += R"(,"defer_loading":true)";
      out += tool.members;
    }
    append_cache_control(out, tool.cache_control);
    out += '}';
  }
  out += ']';
}

}  // namespace ccproxy::dialect
