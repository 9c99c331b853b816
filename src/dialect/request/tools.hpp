// The tools of a request: read in four shapes (OpenAI's with and without its wrapper, Anthropic's,
// and the legacy functions), named as upstream takes them, and written (rule A.4). Which of them
// may be called is decided in tool_choice.hpp. It refuses to know tools that only Responses has:
// those are read in responses/tools.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "anthropic/capabilities.hpp"
#include "base/translation_options.hpp"
#include "dialect/request/block.hpp"
#include "dialect/request/call_input.hpp"
#include "dialect/request/context.hpp"
#include "dialect/request/output_schema.hpp"
#include "dialect/request/report.hpp"
#include "dialect/request/tool.hpp"
#include "dialect/request/tool_choice.hpp"
#include "dialect/request/tool_members.hpp"
#include "dialect/request/tool_names.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

class RequestTools {
 public:
  // All must outlive the object.
  RequestTools(const RequestContext& context, Report& report, RequestArena& arena, ToolNames& names)
      : options_(context.options),
        can_(context.can),
        refused_members_(context.refused_members),
        report_(report),
        arena_(arena),
        names_(names),
        sources_(arena.memory()),
        hosted_(arena.memory()),
        custom_(arena.memory()) {}

  // Reads `tools`, `functions` and `web_search_options`. Errors go to the report.
  void read(json::Value request);

  // --- The steps of read(), for a dialect with tools of its own: begin(), then read_tool() or
  // add() for each tool, then end().

  // `tools` is the list that most tools stand in.
  void begin(json::Value::Range tools);
  // `type` is the member of that name, already looked up.
  void read_tool(json::Value tool, json::Value type, const ToolPath& path);
  // Adds a tool that has its `client` or `hosted` name. `inner` is the place of its name behind
  // `path`, where the tool has a wrapper. Sets the names that depend on the namespace.
  void add(Tool& tool, const ToolPath& path, const char* inner = "");
  // Gives all tools their names upstream.
  void end();

  // Tools stand in a namespace until leave_namespace(). `description` is escaped and goes to the
  // first of them.
  void enter_namespace(std::string_view name, std::string_view description);
  void leave_namespace();
  // Web searches that a reply may have; by default what `search_context_size` says.
  void limit_searches(std::int64_t max) { max_searches_ = max; }
  // Tools from now on were found by a search of the client's: they are loaded at once, and dropped
  // where there is one of their name.
  void begin_found_tools();

  // --- Decisions, after the tools have been read

  // Decides about tool_choice, function_call and parallel_tool_calls. Drops the tools that may not
  // be called.
  void choose(json::Value request);
  // Lets the model call no tool, whatever the request says. After choose().
  void call_none();

  // Decides which tools are strict. `taken` is what the format of the reply takes of upstream's
  // limits. After choose().
  void settle_strict(SchemaCost taken);
  void drop_strict();

  // Adds a tool that the history calls, where the request has no tools: upstream requires it.
  void add_from_history(std::string_view client);

  // --- Results

  [[nodiscard]] const ToolChoice& choice() const { return choice_; }
  // True when the tools came as `functions`.
  [[nodiscard]] bool is_legacy() const { return is_legacy_; }
  // True when calls of that tool carry text instead of JSON.
  [[nodiscard]] bool is_custom(std::string_view client) const { return custom_.contains(client); }
  // The name upstream of the tool of a call in the history. The call's input is a JSON object.
  // `memory` may be nullptr.
  [[nodiscard]] std::string_view upstream_of_call(const ClientCall& call,
                                                  const TurnMemory* memory) const;
  [[nodiscard]] std::vector<Tool>& all() { return tools_; }
  // Appends all tools as a JSON array.
  void append(std::string& out) const;

 private:
  void look_for_search(json::Value::Range tools);
  void read_members(const ToolSource& source, Tool& tool);
  void read_function(json::Value function, json::Value tool, const ToolPath& path);
  void read_custom(json::Value custom, json::Value tool, const ToolPath& path);
  void read_hosted(json::Value tool, std::string_view type, const ToolPath& path);
  void add_web_search(json::Value settings, const ToolPath& path);
  void add_hosted(const Tool& tool, const ToolPath& path);

  const TranslationOptions& options_;
  const anthropic::Capabilities& can_;
  std::span<const std::string_view> refused_members_;
  Report& report_;
  RequestArena& arena_;
  ToolNames& names_;
  std::vector<Tool> tools_;
  std::pmr::unordered_map<std::string_view, std::string_view> sources_;  // Tool::source by name
  std::pmr::unordered_map<std::string_view, std::string_view> hosted_;   // Tool::hosted by name
  std::pmr::unordered_set<std::string_view> custom_;                     // names
  SharedToolNames shared_names_;
  ToolChoice choice_;
  Deferral deferral_ = Deferral::kIgnored;
  bool is_legacy_ = false;
  bool yields_ = false;  // a tool is dropped where there is one of its name
  // The namespace that is being read, and its description until a tool has it.
  std::string_view tool_namespace_, namespace_description_;
  std::optional<std::int64_t> max_searches_{};
};

}  // namespace ccproxy::dialect
