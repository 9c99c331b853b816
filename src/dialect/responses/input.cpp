#include "dialect/responses/input.hpp"

#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dialect/request/reasoning_token.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {

using json::Value;

std::string_view ResponsesInput::key_of(const Item& item) {
  constexpr std::size_t kShortest = 22;
  const std::string_view id = item.id.text().escaped;
  const auto begin = id.find('_'), end = id.rfind('_');
  if (begin == std::string_view::npos || end <= begin + kShortest) return {};
  return id.substr(begin + 1, end - begin - 1);
}

ResponsesInput::ResponsesInput(const MessageTools& with, std::vector<Block>& system, Turns& turns)
    : context_(with.context),
      report_(with.report),
      arena_(with.arena),
      tools_(with.tools),
      content_(with.report, with.arena, with.betas),
      ids_(with.arena),
      open_calls_(with.arena),
      system_(system),
      turns_(turns) {}

ParamPath ResponsesInput::place(const char* member) const { return {index_, -1, "input", member}; }

void ResponsesInput::read(Value input) {
  if (input.is_string()) {
    Content::add_text(input.text(), CacheControl::kNone, blocks_);
    return add_of_user(Role::kUser);
  }
  if (input.is_absent() && context_.history != nullptr && !context_.history->turns.empty())
    return flush_results();
  if (input.is_absent())
    return report_.refuse("input", "missing_required_parameter", "'input' is missing.");
  if (!input.is_array()) return report_.refuse_type("input", "a string or an array");
  read_list(input);
  flush_results();
}

void ResponsesInput::read_list(Value items) {
  index_ = 0;
  for (const Value element : items.children()) {
    if (!element.is_object())
      return report_.refuse_type(fmt::format("input[{}]", index_), "an object");
    const Item item(element);
    cache_control_ = item.cache_control();
    if (item.is_reference())
      read_reference(item);
    else
      read_item(item);
    blocks_.clear();  // whatever is read next: another list, an answer that was kept, a string
    if (std::exchange(cache_control_, CacheControl::kNone) != CacheControl::kNone)
      report_.ignore(fmt::format("input[{}].cache_control", index_));
    if (report_.refused()) return;
    ++index_;
  }
}

void ResponsesInput::read_item(const Item& item) {
  const ItemType& type = item_type_of(item.type_name());
  switch (type.kind) {
    case ItemKind::kMessage: return read_message(item);
    case ItemKind::kUntyped:
      return item.role.text().empty() ? skip(item, type.kind) : read_message(item);
    case ItemKind::kReasoning: return read_reasoning(item);
    case ItemKind::kCompaction: return read_compaction(item);
    case ItemKind::kCompactionTrigger: wants_compaction_ = true; return;
    case ItemKind::kConfiguration: return read_update(item);
    case ItemKind::kSearch: return read_search(item);
    case ItemKind::kTools: return;  // RequestTools has read them
    case ItemKind::kReference:
    case ItemKind::kForeign:
    case ItemKind::kUnknown: return skip(item, type.kind);
    default: return type.is_call ? read_call(item, type.kind) : read_result(item, type.kind);
  }
}

void ResponsesInput::read_update(const Item& update) {
  const Value reasoning = update.value["reasoning"], text = update.value["text"];
  if (reasoning.is_object()) new_reasoning_ = reasoning;
  if (text.is_object()) new_text_ = text;
}

void ResponsesInput::read_call(const Item& item, ItemKind kind) {
  // The answer's end has cut its input: nobody has run it.
  if (item.status.text().escaped == "incomplete")
    return report_.warn("item_dropped", [&] { return element_param("input", index_, ".status"); });
  switch (kind) {
    case ItemKind::kCustomCall:
      return add_call(item, name_of_call(item), {text_input_of(item.value["input"], arena_)});
    case ItemKind::kLocalShellCall:
      return add_call(item, "local_shell", {input_of_shell(item.value["action"])});
    case ItemKind::kShellCall:
      return add_call(item, "shell", {input_of_shell(item.value["action"])});
    case ItemKind::kPatchCall: {
      const Value operation = item.value["operation"];
      return add_call(item, "apply_patch",
                      {arena_.keep(fmt::format(R"({{"operation":{}}})",
                                               operation.is_object() ? operation.raw() : "{}"))});
    }
    case ItemKind::kToolSearchCall:
      return add_call(item, "tool_search", open_calls_.input_of(item.arguments, id_of_call(item)));
    default: break;
  }
  const std::string_view name = name_of_call(item);
  add_call(item, name,
           tools_.is_custom(name) ? CallInput{text_input_of(item.arguments, arena_)}
                                  : open_calls_.input_of(item.arguments, id_of_call(item)));
}

// The type goes up as it was said or done; what nobody here knows is new, not wrong.
void ResponsesInput::skip(const Item& item, ItemKind kind) {
  const auto param = [&] { return element_param("input", index_, ".type"); };
  if (item.type.is_absent())
    return report_.refuse(param(), "missing_required_parameter", "An item needs a type or a role.");
  if (kind == ItemKind::kForeign) return report_.warn("item_dropped", param);
  report_.warn("unknown_input_item", param, "invalid_value");
}

void ResponsesInput::read_message(const Item& item) {
  const std::string_view role = item.role.text().escaped;
  if (role == "assistant") return read_said(item);
  const bool is_system = role == "system" || role == "developer";
  if (!is_system && role != "user")
    return report_.refuse(fmt::format("input[{}].role", index_), "invalid_value",
                          "A role is one of user, assistant, system and developer.");
  read_content(item.content, "content", !is_system);
  if (is_system && is_leading_) {
    cache_control(blocks_);
    system_.insert(system_.end(), blocks_.begin(), blocks_.end());
    return;
  }
  add_of_user(is_system ? Role::kSystem : Role::kUser);
}

void ResponsesInput::read_content(Value content, const char* member, bool allows_files) {
  if (content.is_absent()) return;
  if (content.is_string()) return Content::add_text(content.text(), CacheControl::kNone, blocks_);
  ParamPath at = place(member);
  if (!content.is_array()) return report_.refuse_type(at.param(), "a string or an array");
  for (const Value part : content.children()) {
    ++at.part;
    const std::string_view type = part["type"].text().escaped;
    if (type == "refusal")
      Content::add_text(part["refusal"].text(), CacheControl::kNone, blocks_);
    else if (type == "summary_text" || type == "reasoning_text")
      Content::add_text(part["text"].text(), CacheControl::kNone, blocks_);
    else
      content_.read_part(part, at, allows_files, blocks_);
    if (report_.refused()) return;
  }
}

void ResponsesInput::read_said(const Item& item) {
  read_content(item.content, "content", false);
  add_said(key_of(item));
}

// Thinking of other programs, of another model or account is nobody's business here.
void ResponsesInput::read_reasoning(const Item& item) {
  const ThoughtOwner owner{context_.can.family, context_.account};
  auto block = open_thought(item.value["encrypted_content"].text().escaped, owner);
  if (!block) return;
  if (!goes_on(key_of(item))) flush_results();
  if (key_.empty()) key_ = key_of(item);
  thoughts_.push_back({.kind = Block::Kind::kThinking});
  thoughts_.back().text = arena_.keep(std::move(*block));
}

void ResponsesInput::read_compaction(const Item& item) {
  const auto summary = open_summary(item.value["encrypted_content"].text().escaped);
  if (!summary)
    return report_.refuse(fmt::format("input[{}].encrypted_content", index_),
                          "invalid_encrypted_content",
                          "The compaction was not made by this server.");
  std::string escaped;
  json::append_escaped(escaped, *summary);
  blocks_.push_back({.kind = Block::Kind::kText});
  blocks_.back().text = arena_.keep(std::move(escaped));
  add_of_user(Role::kUser);
}

// As RequestTools knows it: with the namespace.
std::string_view ResponsesInput::name_of_call(const Item& item) {
  const Value name = item.name;
  if (!name.is_string() || name.text().empty()) {
    report_.refuse(fmt::format("input[{}].name", index_), "missing_required_parameter",
                   "A tool call needs the name of its tool.");
    return "none";
  }
  return name_with_space(item);
}

std::string_view ResponsesInput::name_with_space(const Item& item) {
  const std::string_view plain = plain_text(item.name, arena_);
  const Value tool_namespace = item.name_space;
  if (!tool_namespace.is_string() || tool_namespace.text().empty()) return plain;
  return arena_.keep(fmt::format("{}__{}", plain_text(tool_namespace, arena_), plain));
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
  return arena_.keep(input += '}');
}

std::string_view ResponsesInput::id_of_call(const Item& item) {
  return (item.call_id.is_string() ? item.call_id : item.id).text().escaped;
}

void ResponsesInput::add_call(const Item& item, std::string_view name, CallInput input) {
  const std::string_view client = id_of_call(item);
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
                     .text = input.json,
                     .id = id,
                     .name = call.name,
                     .meaning = call.input.meaning});
  add_said(key);
}

void ResponsesInput::read_result(const Item& item, ItemKind kind) {
  Value id = item.call_id, output = item.output;
  if (kind == ItemKind::kLocalShellResult && id.is_absent()) id = item.id;
  if (kind == ItemKind::kPatchResult && output.is_absent()) output = item.status;
  if (kind == ItemKind::kToolSearchResult) output = item.value["tools"];
  const bool may_have_parts = kind != ItemKind::kShellResult && kind != ItemKind::kToolSearchResult;
  Block result{.kind = Block::Kind::kToolResult, .message = message()};
  if (id.text().empty() && !item.name.text().empty())
    named_results_.emplace_back(results_.size(), name_with_space(item));
  else
    result.id = open_calls_.answered(id.text().escaped);
  if (output.is_string()) {
    result.text = output.text().escaped;
  } else if (output.is_array() && may_have_parts) {
    read_content(output, "output", true);
    result.content = arena_.keep(blocks_);
  } else if (!output.is_absent()) {  // what a shell said, or which tools were found, as it is
    std::string escaped;
    json::append_escaped(escaped, output.raw());
    result.text = arena_.keep(std::move(escaped));
  }
  cache_control({&result, 1});
  results_.push_back(result);
}

// True when what the assistant says with that key belongs to its last turn, though results have
// come since: a turn with parallel calls may come back as call, result, call, result.
bool ResponsesInput::goes_on(std::string_view key) const {
  return in_assistant_ && (results_.empty() || (!key.empty() && key == key_));
}

// What the item itself is marked with counts for the last of its blocks.
void ResponsesInput::cache_control(std::span<Block> blocks) {
  if (cache_control_ != CacheControl::kNone && set_last_cache_control(blocks, cache_control_))
    cache_control_ = CacheControl::kNone;
}

void ResponsesInput::add_said(std::string_view key) {
  is_leading_ = false;
  cache_control(blocks_);
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
  cache_control(blocks_);
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
      results_[index].id = arena_.keep(std::move(escaped));
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
