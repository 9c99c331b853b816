// A folder of tests/golden/chat_request or responses_request: what a client sends and under which
// circumstances (README.md there).
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "anthropic/models_data.hpp"
#include "base/file.hpp"
#include "dialect/chat/request.hpp"
#include "dialect/responses/echo.hpp"
#include "dialect/responses/request.hpp"
#include "dialect/testing/turn_memory.hpp"
#include "json/document.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect::test {

inline const anthropic::ModelTable& known_models() {
  static const anthropic::ModelTable kTable =
      anthropic::parse_models(anthropic::kModelsJson).value();
  return kTable;
}

class RequestCase {
 public:
  explicit RequestCase(const std::string& folder)
      : request_(read_file(folder + "/request.json").value()) {
    const auto text = read_file(folder + "/case.json");
    if (text) circumstances_ = json::parse_document(*text).value();
    options_.default_model = "claude-sonnet-5";
    account_ = circumstance<std::string>("account", "");
    read_history();
    read_options();
    for (const json::Document& blocks : circumstance("remembered", json::Document::array()))
      memory_.remember(anthropic::thinking_turn(blocks.get<std::string>()).value());
  }

  [[nodiscard]] const std::string& request() const { return request_; }

  [[nodiscard]] Result<Decoded> decode() const { return decode(request_); }
  [[nodiscard]] Result<Decoded> decode(const std::string& request) const {
    json::Outline outline;
    if (auto read = outline.read(request); !read) return fail(read.error());
    const auto model = requested_model(outline, options_.default_model);
    if (!model) return fail(model.error());
    const RequestContext context{.requested = *model,
                                 .model = model->name,
                                 .can = capabilities(model->name),
                                 .options = options_,
                                 .strict = circumstance("strict", false),
                                 .is_cursor = circumstance("cursor", false),
                                 .account = account_,
                                 .memory = &memory_,
                                 .history = &history_};
    const std::string route = circumstance<std::string>("route", "chat");
    if (route == "responses") return decode_responses(outline, context);
    return route == "completion" ? decode_completion(outline, context)
                                 : decode_chat(outline, context);
  }

 private:
  template <typename T>
  [[nodiscard]] T circumstance(const char* name, T fallback) const {
    return circumstances_.value(name, fallback);
  }

  [[nodiscard]] anthropic::Capabilities capabilities(const std::string& model) const {
    const anthropic::Family* family = known_models().family_of(model);
    auto can = anthropic::capabilities_of(family ? *family : *known_models().newest_family());
    for (const json::Document& message : circumstance("refused_before", json::Document::array()))
      anthropic::apply(can, anthropic::correction_from_error(message.get<std::string>()).value(),
                       {});
    return can;
  }

  // Returns the elements of a list as text, as the store has them.
  static std::string elements(const json::Document& holder, const char* name) {
    const std::string list = holder.value(name, json::Document::array()).dump();
    return list.substr(1, list.size() - 2);
  }

  [[nodiscard]] StoredOutput output_of(const json::Document& stored) const {
    return {.blocks = elements(stored, "blocks"),
            .items = elements(stored, "items"),
            .family = stored.value("family", "sonnet-5"),
            .account = account_,
            .is_incomplete = stored.value("is_cut", false)};
  }

  void read_history() {
    const json::Document history = circumstance("past", json::Document::object());
    for (const json::Document& turn : history.value("turns", json::Document::array()))
      history_.turns.push_back({elements(turn, "input"), output_of(turn), turn.value("id", "")});
    const json::Document items = history.value("items", json::Document::object());
    for (const auto& [id, item] : items.items())
      history_.items.emplace(id, StoredInputItem{elements(item, "items"),
                                                 item.value("is_output", false), output_of(item)});
  }

  void read_options() {
    const json::Document keys = circumstance("options", json::Document::object());
    for (const auto& [key, value] : keys.items()) {
      if (key == "defaultMaxTokens") {
        options_.default_max_tokens = value.get<std::int64_t>();
      } else if (key == "promptCaching") {
        options_.prompt_caching = value.get<bool>();
      } else if (key == "chatReasoningDisplay") {
        options_.chat_reasoning_display =
            value == "omitted" ? ReasoningDisplay::kOmitted : ReasoningDisplay::kSummarized;
      } else if (key == "midSystem") {
        options_.mid_system = MidSystem::kReminder;
      } else if (key == "strictTools") {
        options_.strict_tools = StrictTools::kOff;
      } else if (key == "eagerInputStreaming") {
        options_.eager_input_streaming = value.get<bool>();
      } else if (key == "verbosityHint") {
        options_.verbosity_hint = value.get<bool>();
      } else if (key == "fastMode") {
        options_.fast_mode = value.get<bool>();
      } else if (key == "webSearch") {
        options_.web_search = value.get<bool>();
      } else if (key == "customAsFunction") {
        options_.custom_as_function =
            value == "always" ? CustomAsFunction::kAlways : CustomAsFunction::kNever;
      } else {
        ADD_FAILURE() << "case.json: no option " << key;
      }
    }
  }

  std::string request_, account_;
  json::Document circumstances_ = json::Document::object();
  TranslationOptions options_;
  History history_;
  TurnsInMemory memory_;
};

inline const char* shape_name(ToolShape shape) {
  switch (shape) {
    case ToolShape::kCustom: return "custom";
    case ToolShape::kLocalShell: return "local_shell";
    case ToolShape::kShell: return "shell";
    case ToolShape::kApplyPatch: return "apply_patch";
    case ToolShape::kToolSearch: return "tool_search";
    case ToolShape::kFunction: break;
  }
  return "function";
}

// Returns what a decoded request has beside its body, where it differs from a plain request: the
// content of expected_plan.json.
inline json::Document plan_document(const Decoded& decoded) {
  const ReplyPlan& plan = decoded.plan;
  json::Document document = json::Document::object();
  const auto add_flag = [&](const char* name, bool value, bool plain) {
    if (value != plain) document[name] = value;
  };
  const auto add_list = [&](const char* name, const std::vector<std::string>& list) {
    if (!list.empty()) document[name] = list;
  };
  add_list("ignored", plan.ignored);
  add_list("warnings", plan.warnings);
  add_list("betas", decoded.betas);
  add_flag("stream", plan.stream, false);
  add_flag("include_usage", plan.include_usage, false);
  add_flag("show_reasoning", plan.show_reasoning, true);
  add_flag("legacy_functions", plan.legacy_functions, false);
  add_flag("custom_as_function", plan.custom_as_function, false);
  add_flag("strips_fence", plan.strips_fence, false);
  add_flag("text_completion", plan.text_completion, false);
  add_flag("may_pause", decoded.may_pause, false);
  const auto members = [](const std::string& echo) {
    return json::Document::parse("{" + echo.substr(echo.empty() ? 0 : 1) + "}");
  };
  const json::Document plain = members(echo_of({}, false));
  const json::Document echo = members(plan.responses.echo);
  for (const auto& [name, value] : echo.items())
    if (plain.at(name) != value) document["echo"][name] = value;
  add_flag("shows_sources", plan.responses.shows_sources, false);
  for (const ToolName& tool : plan.tools) {
    json::Document entry{{"upstream", tool.upstream}, {"client", tool.client}};
    if (tool.shape != ToolShape::kFunction) entry["shape"] = shape_name(tool.shape);
    if (!tool.tool_namespace.empty()) entry["tool_namespace"] = tool.tool_namespace;
    document["tools"].push_back(std::move(entry));
  }
  return document;
}

// Removes the white space between tokens, so that a file may be laid out for people and still
// decides every byte.
inline std::string compact(std::string_view text) {
  std::string bytes;
  bool is_string = false, is_escaped = false;
  for (const char c : text) {
    if (!is_string && (c == ' ' || c == '\n')) continue;
    bytes += c;
    if (!is_escaped && c == '"') is_string = !is_string;
    is_escaped = !is_escaped && c == '\\';
  }
  return bytes;
}

}  // namespace ccproxy::dialect::test
