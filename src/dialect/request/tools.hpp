// The tools of a request, and which of them the model may or must call (rules A.4, A.5).
// Tools come in four shapes: OpenAI's with and without its wrapper, Anthropic's, and the legacy
// functions.
#pragma once

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
#include "dialect/request/input_shape.hpp"
#include "dialect/request/output_schema.hpp"
#include "dialect/request/report.hpp"
#include "dialect/request/tool_members.hpp"
#include "dialect/request/tool_names.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

struct Tool {
  std::string_view client{};  // the name that the client knows, plain
  std::string_view upstream{};
  std::string_view description{};     // escaped
  std::string_view schema{};          // JSON
  std::string_view hosted{};          // of a tool of the provider's own: the whole object as JSON
  std::string_view type{};            // of such a tool, with its version
  std::string_view given{};           // as the client wrote it
  std::string_view tool_namespace{};  // the namespace it stands in, plain
  std::string_view own_name{};        // in its namespace
  ToolShape shape = ToolShape::kFunction;
  std::string_view members{};  // of the provider's own, as JSON, each with a comma before it
  bool is_deferred = false;    // found by search alone
  bool is_strict = false;
  // One of the provider's own whose calls come to the client: the provider knows more tools than it
  // runs.
  bool is_run_by_client = false;
  SchemaCost cost{};  // while it is strict
  CacheControl cache_control = CacheControl::kNone;
};

class RequestTools {
 public:
  // All must outlive it.
  RequestTools(const RequestContext& context, Report& report, RequestArena& arena, ToolNames& names)
      : options_(context.options),
        can_(context.can),
        left_out_(context.left_out),
        report_(report),
        arena_(arena),
        names_(names),
        given_(arena.memory()),
        hosted_(arena.memory()),
        custom_(arena.memory()) {}

  void read(json::Value request);
  // The same for Responses: items of its input may bring tools, too (rule B.3).
  void read_responses(json::Value request);

  // No tool is to be called, whatever the request says; after choose().
  void call_none();

  // Decides about tool_choice, function_call and parallel_tool_calls; drops the tools that may not
  // be called.
  void choose(json::Value request);

  // Decides which tools are strict, beside what the answer's format takes of the limits. After
  // choose().
  void settle_strict(SchemaCost taken);
  void drop_strict();

  // What `tool_choice` says; empty when it is left out.
  [[nodiscard]] const std::string& choice() const { return choice_; }
  // True when the model must call a tool.
  [[nodiscard]] bool is_forced() const { return is_forced_; }
  // A sentence for the model where upstream cannot force it; empty without.
  [[nodiscard]] const std::string& hint() const { return hint_; }
  [[nodiscard]] bool is_legacy() const { return is_legacy_; }

  // True when calls of that tool carry text instead of JSON.
  [[nodiscard]] bool is_custom(std::string_view client) const { return custom_.contains(client); }

  // What a call in the history goes up as. Its input is a JSON object.
  [[nodiscard]] std::string_view upstream_of_call(const ClientCall& call,
                                                  const TurnMemory* memory) const;

  // A history has calls, but the request has no tools: upstream wants to know them all the same.
  void add_from_history(std::string_view client);

  [[nodiscard]] std::vector<Tool>& all() { return tools_; }
  void append(std::string& out) const;

 private:
  void expect(json::Value::Range tools);
  void look_for_search(json::Value::Range tools);
  void read_members(const ToolSource& source, Tool& tool);
  void read_tool(json::Value tool, json::Value type, const ToolPlace& place);
  // Tools that only Responses has, in responses/tools.cpp.
  void read_responses_tool(json::Value tool, const ToolPlace& place);
  void read_namespace(json::Value tool_namespace, const ToolPlace& place);
  void add_own(std::string_view name, ToolShape shape, std::string_view description,
               std::string_view schema, const ToolPlace& place);
  void read_function(json::Value function, json::Value tool, const ToolPlace& place);
  void read_custom(json::Value custom, json::Value tool, const ToolPlace& place);
  void read_hosted(json::Value tool, std::string_view type, const ToolPlace& place);
  void add_web_search(json::Value settings, const ToolPlace& place);
  // `inner` stands behind `place` where the tool has an envelope.
  void add(Tool& tool, const ToolPlace& place, const char* inner = "");
  void add_hosted(const Tool& tool, const ToolPlace& place);
  void name_all();

  void choose_named(std::string_view name, std::string_view kind, std::string_view param);
  void choose(const Tool& tool, std::string_view param);
  // True when a choice of that kind cannot mean the tool, since it means another of its name.
  [[nodiscard]] bool is_other(const Tool& tool, std::string_view kind) const;
  void choose_allowed(json::Value allowed);
  void force_any();
  void write_choice(std::string_view type, std::string_view name = {});

  const TranslationOptions& options_;
  const anthropic::Capabilities& can_;
  std::span<const std::string_view> left_out_;
  Report& report_;
  RequestArena& arena_;
  ToolNames& names_;
  std::vector<Tool> tools_;
  std::pmr::unordered_map<std::string_view, std::string_view> given_;  // by name, as it was written
  std::pmr::unordered_map<std::string_view, std::string_view> hosted_;  // by name, as it goes up
  std::pmr::unordered_set<std::string_view> custom_;                    // names
  // Functions that have the name of a tool of the provider's that the client runs, too.
  std::unordered_map<std::string_view, InputShape> twins_;
  std::string choice_, hint_;
  Deferral deferral_ = Deferral::kTold;
  bool is_forced_ = false;
  bool is_legacy_ = false;
  bool is_serial_ = false;  // no parallel calls
  // Of Responses: the namespace that is being read, its description until a tool has taken it, and
  // whether a tool that comes later yields to one of the same name.
  std::string_view tool_namespace_, namespace_description_;
  bool yields_ = false;
  std::optional<std::int64_t> most_searches_{};
};

}  // namespace ccproxy::dialect
