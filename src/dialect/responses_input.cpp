#include "dialect/responses_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dialect/sealed_thought.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// What other providers' tools leave in a history: upstream has no use for it.
constexpr std::array<std::string_view, 11> kForeign = {
    "file_search_call", "code_interpreter_call", "image_generation_call",
    "computer_call",    "computer_call_output",  "mcp_list_tools",
    "mcp_call",         "mcp_approval_request",  "mcp_approval_response",
    "program",          "program_output"};

bool is_foreign(std::string_view type) {
  return std::find(kForeign.begin(), kForeign.end(), type) != kForeign.end();
}

constexpr std::array<std::string_view, 6> kCalls = {"function_call",    "custom_tool_call",
                                                    "local_shell_call", "shell_call",
                                                    "apply_patch_call", "tool_search_call"};

// A call whose input the answer's end has cut: nobody has run it.
bool is_cut_call(Value item, std::string_view type) {
  return item["status"].text().escaped == "incomplete" &&
         std::find(kCalls.begin(), kCalls.end(), type) != kCalls.end();
}

}  // namespace

std::string_view ResponsesInput::key_of(Value item) {
  constexpr std::size_t kShortest = 22;
  const std::string_view id = item["id"].text().escaped;
  const auto begin = id.find('_'), end = id.rfind('_');
  if (begin == std::string_view::npos || end <= begin + kShortest) return {};
  return id.substr(begin + 1, end - begin - 1);
}

ResponsesInput::ResponsesInput(const MessageTools& with, std::vector<Block>& system, Turns& turns)
    : context_(with.context),
      report_(with.report),
      made_(with.made),
      tools_(with.tools),
      content_(with.report, with.made, with.betas),
      ids_(with.made),
      open_calls_(with.made),
      system_(system),
      turns_(turns) {}

Place ResponsesInput::place(const char* member) const { return {index_, -1, "input", member}; }

void ResponsesInput::read(Value input) {
  if (input.is_string()) {
    Content::add_text(input.text(), CacheMark::kNone, blocks_);
    return add_of_user(Role::kUser);
  }
  if (input.is_absent() && context_.past != nullptr && !context_.past->turns.empty())
    return flush_results();
  if (input.is_absent())
    return report_.refuse("input", "missing_required_parameter", "'input' is missing.");
  if (!input.is_array()) return report_.refuse_type("input", "a string or an array");
  read_list(input);
  flush_results();
}

void ResponsesInput::read_list(Value items) {
  index_ = 0;
  for (const Value item : items.children()) {
    if (!item.is_object())
      return report_.refuse_type(fmt::format("input[{}]", index_), "an object");
    mark_ = cache_mark_of(item);
    if (is_reference(item))
      read_reference(item);
    else
      read_item(item);
    blocks_.clear();  // whatever is read next: another list, an answer that was kept, a string
    if (std::exchange(mark_, CacheMark::kNone) != CacheMark::kNone)
      report_.ignore(fmt::format("input[{}].cache_control", index_));
    if (report_.refused()) return;
    ++index_;
  }
}

void ResponsesInput::read_item(Value item) {
  const std::string_view type = item["type"].text().escaped;
  const std::string_view role = item["role"].text().escaped;
  if (type == "message" || (type.empty() && !role.empty())) return read_message(item, role);
  if (type == "reasoning") return read_reasoning(item);
  if (type == "compaction") return read_compaction(item);
  if (type == "web_search_call") return read_search(item);
  if (type == "additional_tools") return;  // RequestTools has read them
  if (type == "compaction_trigger") {
    wants_compaction_ = true;
    return;
  }
  if (type == "configuration_update") {
    if (item["reasoning"].is_object()) new_reasoning_ = item["reasoning"];
    if (item["text"].is_object()) new_text_ = item["text"];
    return;
  }
  if (!read_call_or_result(item, type)) skip(item, type);
}

bool ResponsesInput::read_call_or_result(Value item, std::string_view type) {
  if (is_cut_call(item, type)) {
    report_.warn("item_dropped", [&] { return element_param("input", index_, ".status"); });
    return true;
  }
  if (type == "function_call") {
    const std::string_view name = name_of_call(item);
    read_call(item, name,
              tools_.is_custom(name) ? text_input_of(item["arguments"], made_)
                                     : input_of(item["arguments"], made_, scratch_));
  } else if (type == "custom_tool_call") {
    read_call(item, name_of_call(item), text_input_of(item["input"], made_));
  } else if (type == "local_shell_call") {
    read_call(item, "local_shell", input_of_shell(item["action"]));
  } else if (type == "shell_call") {
    read_call(item, "shell", input_of_shell(item["action"]));
  } else if (type == "apply_patch_call") {
    const Value operation = item["operation"];
    read_call(item, "apply_patch",
              made_.keep(fmt::format(R"({{"operation":{}}})",
                                     operation.is_object() ? operation.raw() : "{}")));
  } else if (type == "tool_search_call") {
    read_call(item, "tool_search", input_of(item["arguments"], made_, scratch_));
  } else if (type == "tool_search_output") {
    read_result(item, item["call_id"], item["tools"]);
  } else if (type == "local_shell_call_output") {
    read_result(item, item["call_id"].is_absent() ? item["id"] : item["call_id"], item["output"]);
  } else if (type == "apply_patch_call_output") {
    read_result(item, item["call_id"],
                item["output"].is_absent() ? item["status"] : item["output"]);
  } else if (type == "function_call_output" || type == "custom_tool_call_output" ||
             type == "shell_call_output") {
    read_result(item, item["call_id"], item["output"]);
  } else {
    return false;
  }
  return true;
}

// The type goes up as it was said or done; what nobody here knows is new, not wrong.
void ResponsesInput::skip(Value item, std::string_view type) {
  const auto param = [&] { return element_param("input", index_, ".type"); };
  if (type.empty() && item["type"].is_absent())
    return report_.refuse(param(), "missing_required_parameter", "An item needs a type or a role.");
  if (is_foreign(type)) return report_.warn("item_dropped", param);
  report_.warn("unknown_input_item", param, "invalid_value");
}

void ResponsesInput::read_message(Value item, std::string_view role) {
  if (role == "assistant") return read_said(item);
  const bool is_system = role == "system" || role == "developer";
  if (!is_system && role != "user")
    return report_.refuse(fmt::format("input[{}].role", index_), "invalid_value",
                          "A role is one of user, assistant, system and developer.");
  read_content(item["content"], "content", !is_system);
  if (is_system && is_leading_) {
    mark(blocks_);
    system_.insert(system_.end(), blocks_.begin(), blocks_.end());
    return;
  }
  add_of_user(is_system ? Role::kSystem : Role::kUser);
}

void ResponsesInput::read_content(Value content, const char* member, bool allows_files) {
  if (content.is_absent()) return;
  if (content.is_string()) return Content::add_text(content.text(), CacheMark::kNone, blocks_);
  Place at = place(member);
  if (!content.is_array()) return report_.refuse_type(at.param(), "a string or an array");
  for (const Value part : content.children()) {
    ++at.part;
    const std::string_view type = part["type"].text().escaped;
    if (type == "refusal")
      Content::add_text(part["refusal"].text(), CacheMark::kNone, blocks_);
    else if (type == "summary_text" || type == "reasoning_text")
      Content::add_text(part["text"].text(), CacheMark::kNone, blocks_);
    else
      content_.read_part(part, at, allows_files, blocks_);
    if (report_.refused()) return;
  }
}

void ResponsesInput::read_said(Value item) {
  read_content(item["content"], "content", false);
  add_said(key_of(item));
}

// Thinking of other programs, of another model or account is nobody's business here.
void ResponsesInput::read_reasoning(Value item) {
  const ThoughtOwner owner{context_.can.family, context_.account};
  auto block = open_thought(item["encrypted_content"].text().escaped, owner);
  if (!block) return;
  if (!goes_on(key_of(item))) flush_results();
  if (key_.empty()) key_ = key_of(item);
  thoughts_.push_back({.kind = Block::Kind::kThinking});
  thoughts_.back().text = made_.keep(std::move(*block));
}

void ResponsesInput::read_compaction(Value item) {
  const auto summary = open_summary(item["encrypted_content"].text().escaped);
  if (!summary)
    return report_.refuse(fmt::format("input[{}].encrypted_content", index_),
                          "invalid_encrypted_content",
                          "The compaction was not made by this server.");
  std::string escaped;
  json::append_escaped(escaped, *summary);
  blocks_.push_back({.kind = Block::Kind::kText});
  blocks_.back().text = made_.keep(std::move(escaped));
  add_of_user(Role::kUser);
}

// As RequestTools knows it: with the namespace.
std::string_view ResponsesInput::name_of_call(Value item) {
  const Value name = item["name"];
  if (!name.is_string() || name.text().empty()) {
    report_.refuse(fmt::format("input[{}].name", index_), "missing_required_parameter",
                   "A tool call needs the name of its tool.");
    return "none";
  }
  return name_with_space(item);
}

std::string_view ResponsesInput::name_with_space(Value item) {
  const Value name = item["name"];
  const std::string_view plain = plain_text(name, made_);
  const Value space = item["namespace"];
  if (!space.is_string() || space.text().empty()) return plain;
  return made_.keep(fmt::format("{}__{}", plain_text(space, made_), plain));
}

// The action without what the model did not write: its type, and what stands there for want of it.
std::string_view ResponsesInput::input_of_shell(Value action) {
  std::string input = "{";
  for (const Value member : action.children()) {
    const bool is_filler = member.is_absent() || (member.name() == "env" && member.raw() == "{}");
    if (is_filler || member.name() == "type") continue;
    if (input.size() > 1) input += ',';
    input += '"';
    json::append_escaped(input, member.name());
    input.append("\":").append(member.raw());
  }
  return made_.keep(input += '}');
}

void ResponsesInput::read_call(Value item, std::string_view name, std::string_view input) {
  Value call_id = item["call_id"];
  if (!call_id.is_string()) call_id = item["id"];
  const std::string_view client = call_id.text().escaped;
  const std::string_view key = key_of(item);
  if (!goes_on(key)) flush_results();
  if (!in_assistant_) open_calls_.clear();
  ClientCall call{.id = client, .name = name, .input = input};
  call.name = tools_.upstream_of_call(call, context_.memory);
  if (open_calls_.has(call)) return thoughts_.clear();  // what was thought before it, too
  const std::string_view id =
      client.empty() ? ids_.assign({}, made_call_id(index_, 0)) : ids_.assign(client, {});
  open_calls_.add(call, id);
  called_.push_back(name);
  blocks_.push_back({.kind = Block::Kind::kToolUse,
                     .message = message(),
                     .text = input,
                     .id = id,
                     .name = call.name,
                     .meaning = call.meaning});
  add_said(key);
}

void ResponsesInput::read_result(Value item, Value id, Value output) {
  Block result{.kind = Block::Kind::kToolResult, .message = message()};
  if (id.text().empty() && !item["name"].text().empty())
    named_results_.emplace_back(results_.size(), name_with_space(item));
  else
    result.id = open_calls_.answered(id.text().escaped);
  const bool is_list_of_parts = output.is_array() &&
                                item["type"].text().escaped != "shell_call_output" &&
                                item["type"].text().escaped != "tool_search_output";
  if (output.is_string()) {
    result.text = output.text().escaped;
  } else if (is_list_of_parts) {
    read_content(output, "output", true);
    result.content = made_.keep(blocks_);
  } else if (!output.is_absent()) {  // what a shell said, or which tools were found, as it is
    std::string escaped;
    json::append_escaped(escaped, output.raw());
    result.text = made_.keep(std::move(escaped));
  }
  mark({&result, 1});
  results_.push_back(result);
}

// True when what the assistant says with that key belongs to its last turn, though results have
// come since: a turn with parallel calls may come back as call, result, call, result.
bool ResponsesInput::goes_on(std::string_view key) const {
  return in_assistant_ && (results_.empty() || (!key.empty() && key == key_));
}

// What the item itself is marked with counts for the last of its blocks.
void ResponsesInput::mark(std::span<Block> blocks) {
  if (mark_ != CacheMark::kNone && mark_last(blocks, mark_)) mark_ = CacheMark::kNone;
}

void ResponsesInput::add_said(std::string_view key) {
  is_leading_ = false;
  mark(blocks_);
  if (!goes_on(key)) flush_results();
  if (!key.empty()) key_ = key;
  turns_.add(Role::kAssistant, message(), thoughts_);
  thoughts_.clear();
  turns_.add(Role::kAssistant, message(), blocks_);
  in_assistant_ = true;
}

void ResponsesInput::add_of_user(Role role) {
  is_leading_ = false;
  flush_results();
  thoughts_.clear();  // nothing was said after it
  mark(blocks_);
  turns_.add(role, message(), blocks_);
}

// The result of a tool that runs beside the conversation may name the tool alone: it answers the
// tool's first call in this turn that nothing else answers. Without one the name says what it was.
void ResponsesInput::answer_by_name() {
  std::unordered_set<std::string_view> answered;
  for (const Block& result : results_) answered.insert(result.id);
  std::unordered_map<std::string_view, std::deque<std::string_view>> open;  // ids by tool
  if (!turns_.all().empty() && turns_.all().back().role == Role::kAssistant)
    for (const Block& call : turns_.all().back().blocks)
      if (call.kind == Block::Kind::kToolUse && !answered.contains(call.id))
        open[call.name].push_back(call.id);
  for (const auto& [index, tool] : named_results_) {
    auto calls = open.find(tools_.upstream_of_call({.id = {}, .name = tool, .input = {}}, nullptr));
    if (calls == open.end()) calls = open.find(tool);
    if (calls == open.end() || calls->second.empty()) {
      std::string escaped;
      json::append_escaped(escaped, tool);
      results_[index].id = made_.keep(std::move(escaped));
      continue;
    }
    results_[index].id = calls->second.front();
    calls->second.pop_front();
  }
  named_results_.clear();
}

void ResponsesInput::flush_results() {
  if (!named_results_.empty()) answer_by_name();
  if (!results_.empty()) turns_.add(Role::kUser, results_.front().message, results_);
  results_.clear();
  in_assistant_ = false;
  key_ = {};
}

}  // namespace ccproxy::dialect
