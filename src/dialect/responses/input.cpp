#include "dialect/responses/input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "dialect/request/reasoning_token.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// The part of an item's id that all items of one response share: fc_<key>_<n>. Empty for an id that
// is not of this server.
std::string_view key_of(const Item& item) {
  constexpr std::size_t kMinKey = 22;
  const std::string_view id = item.id.text().escaped;
  const auto begin = id.find('_'), end = id.rfind('_');
  if (begin == std::string_view::npos || end <= begin + kMinKey) return {};
  return id.substr(begin + 1, end - begin - 1);
}

// The id that the client gave the call; empty without.
std::string_view call_id_of(const Item& item) {
  return (item.call_id.is_string() ? item.call_id : item.id).text().escaped;
}

}  // namespace

ResponsesInput::ResponsesInput(ConversationBuilder& conversation)
    : conversation_(conversation),
      context_(conversation.context()),
      report_(conversation.report()),
      arena_(conversation.arena()),
      stored_(context_.history, arena_, report_),
      results_(conversation) {}

void ResponsesInput::read(Value input) {
  if (input.is_string()) {
    Content::add_text(input.text(), CacheControl::kNone, blocks_);
    return add_user();
  }
  if (input.is_absent() && context_.history != nullptr && !context_.history->turns.empty())
    return end_assistant();
  if (input.is_absent())
    return report_.refuse("input", "missing_required_parameter", "'input' is missing.");
  if (!input.is_array()) return report_.refuse_type("input", "a string or an array");
  read_list(input);
  end_assistant();
}

void ResponsesInput::read_history(const HistoryTurn& turn) {
  response_ = conversation_.turns().add_response(turn.id);
  report_.enter_response(turn.id);
  read_list(stored_.parse(turn.input));
  replay(turn.output, "", turn.output.is_incomplete);
  report_.leave_response();
  response_.reset();
}

void ResponsesInput::read_list(Value items) {
  index_ = 0;
  for (const Value element : items.children()) {
    if (!element.is_object())
      return report_.refuse_type(element_param("input", index_), "an object");
    const Item item(element);
    cache_control_ = item.cache_control();
    if (item.is_reference())
      read_reference(item);
    else
      read_item(item);
    blocks_.clear();  // for all that may be read next: another item, a stored output, a text
    if (std::exchange(cache_control_, CacheControl::kNone) != CacheControl::kNone)
      report_.ignore(element_param("input", index_, ".cache_control"));
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
    case ItemKind::kTools: return;  // ResponsesTools has read them
    case ItemKind::kReference:
    case ItemKind::kForeign:
    case ItemKind::kUnknown: return skip(item, type.kind);
    default: return type.is_call ? read_call(item, type.kind) : read_result(item, type.kind);
  }
}

// An item of an unknown type is most likely newer than this program, so it is no error.
void ResponsesInput::skip(const Item& item, ItemKind kind) {
  const auto param = [&] { return element_param("input", index_, ".type"); };
  if (item.type.is_absent())
    return report_.refuse(param(), "missing_required_parameter", "An item needs a type or a role.");
  if (kind == ItemKind::kForeign) return report_.warn("item_dropped", param);
  report_.warn("unknown_input_item", param, "invalid_value");
}

void ResponsesInput::read_update(const Item& update) {
  const Value reasoning = update.value["reasoning"], text = update.value["text"];
  if (reasoning.is_object()) new_reasoning_ = reasoning;
  if (text.is_object()) new_text_ = text;
}

// --- Messages and thinking -----------------------------------------------------------------------

void ResponsesInput::read_message(const Item& item) {
  const std::string_view role = item.role.text().escaped;
  if (role == "assistant") {
    const std::string_view key = key_of(item);
    begin_assistant(key);
    read_content(item.content, "content", false, blocks_);
    return add_assistant(key);
  }
  const bool is_system = role == "system" || role == "developer";
  if (!is_system && role != "user")
    return report_.refuse(element_param("input", index_, ".role"), "invalid_value",
                          "A role is one of user, assistant, system and developer.");
  read_content(item.content, "content", !is_system, blocks_);
  if (!is_system) return add_user();
  mark_last(blocks_);
  if (!conversation_.is_leading()) close_turn();
  conversation_.add_system(message(), blocks_);
}

void ResponsesInput::read_content(Value content, const char* member, bool allows_files,
                                  std::vector<Block>& out) {
  conversation_.read_content(content, {index_, -1, "input", member}, out,
                             [&](Value part, const ParamPath& path, std::vector<Block>& blocks) {
                               read_content_part(part, path, allows_files, blocks);
                             });
}

void ResponsesInput::read_content_part(Value part, const ParamPath& path, bool allows_files,
                                       std::vector<Block>& out) {
  const std::string_view type = part["type"].text().escaped;
  if (type == "refusal")
    Content::add_text(part["refusal"].text(), CacheControl::kNone, out);
  else if (type == "summary_text" || type == "reasoning_text")
    Content::add_text(part["text"].text(), CacheControl::kNone, out);
  else
    conversation_.read_part(part, path, allows_files, out);
}

// Thinking of another program, model or account cannot be sent upstream and is left out: the model
// can do without.
void ResponsesInput::read_reasoning(const Item& item) {
  const ThinkingOwner owner{context_.can.family, context_.account};
  auto block = decode_reasoning(item.value["encrypted_content"].text().escaped, owner);
  if (!block) return;
  if (!continues_turn(key_of(item))) end_assistant();
  if (key_.empty()) key_ = key_of(item);
  thinking_.push_back({.kind = Block::Kind::kThinking});
  thinking_.back().text = arena_.store(std::move(*block));
}

void ResponsesInput::read_compaction(const Item& item) {
  const auto summary = decode_summary(item.value["encrypted_content"].text().escaped);
  if (!summary)
    return report_.refuse(element_param("input", index_, ".encrypted_content"),
                          "invalid_encrypted_content",
                          "The compaction was not made by this server.");
  std::string escaped;
  json::append_escaped(escaped, *summary);
  blocks_.push_back({.kind = Block::Kind::kText});
  blocks_.back().text = arena_.store(std::move(escaped));
  add_user();
}

// --- Calls and results ---------------------------------------------------------------------------

void ResponsesInput::read_call(const Item& item, ItemKind kind) {
  // The input of the call was cut off, so nobody has run it.
  if (item.status.text().escaped == "incomplete")
    return report_.warn("item_dropped", [&] { return element_param("input", index_, ".status"); });
  switch (kind) {
    case ItemKind::kCustomCall:
      return add_call(item, name_of_call(item), {text_input_of(item.value["input"], arena_)});
    case ItemKind::kLocalShellCall:
      return add_call(item, "local_shell", {shell_input(item.value["action"])});
    case ItemKind::kShellCall: return add_call(item, "shell", {shell_input(item.value["action"])});
    case ItemKind::kPatchCall: {
      const Value operation = item.value["operation"];
      return add_call(item, "apply_patch",
                      {arena_.store(fmt::format(R"({{"operation":{}}})",
                                                operation.is_object() ? operation.raw() : "{}"))});
    }
    case ItemKind::kToolSearchCall:
      return add_call(item, "tool_search",
                      conversation_.json_input(item.arguments, call_id_of(item)));
    default: break;
  }
  const std::string_view tool = name_of_call(item);
  add_call(item, tool, conversation_.function_input(tool, item.arguments, call_id_of(item)));
}

// The name as RequestTools knows it: with the namespace.
std::string_view ResponsesInput::name_of_call(const Item& item) {
  const Value name = item.name;
  if (!name.is_string() || name.text().empty()) {
    report_.refuse(element_param("input", index_, ".name"), "missing_required_parameter",
                   "A tool call needs the name of its tool.");
    return "none";
  }
  return qualified_name(item);
}

std::string_view ResponsesInput::qualified_name(const Item& item) {
  const std::string_view plain = plain_text(item.name, arena_);
  const Value tool_namespace = item.tool_namespace;
  if (!tool_namespace.is_string() || tool_namespace.text().empty()) return plain;
  return arena_.store(fmt::format("{}__{}", plain_text(tool_namespace, arena_), plain));
}

// The action without the members that the model did not write: the type, and those that are null or
// an empty environment because the API always gives them.
std::string_view ResponsesInput::shell_input(Value action) {
  std::string input = "{";
  for (const Value member : action.children()) {
    const bool is_filler = member.is_absent() || (member.name() == "env" && member.raw() == "{}");
    if (is_filler || member.name() == "type") continue;
    if (input.size() > 1) input += ',';
    input += '"';
    json::append_escaped(input, member.name());
    input.append("\":").append(member.raw());
  }
  return arena_.store(input += '}');
}

void ResponsesInput::add_call(const Item& item, std::string_view tool, CallInput input) {
  const std::string_view key = key_of(item);
  begin_assistant(key);
  const HistoryCall call{.call = {.id = call_id_of(item), .name = tool, .input = input},
                         .message = message(),
                         .index = index_};
  if (conversation_.add_call(call, blocks_)) return add_assistant(key);
  // The turn has the call already, and so it has the thinking that stood before the call.
  thinking_.clear();
}

void ResponsesInput::read_result(const Item& item, ItemKind kind) {
  Value id = item.call_id, output = item.output;
  if (kind == ItemKind::kLocalShellResult && id.is_absent()) id = item.id;
  if (kind == ItemKind::kPatchResult && output.is_absent()) output = item.status;
  if (kind == ItemKind::kToolSearchResult) output = item.value["tools"];
  const bool may_have_parts = kind != ItemKind::kShellResult && kind != ItemKind::kToolSearchResult;
  const bool names_tool = id.text().empty() && !item.name.text().empty();
  Block result{.kind = Block::Kind::kToolResult, .message = message()};
  if (!names_tool) result.id = conversation_.take_result_id(id.text().escaped);
  if (output.is_string() || (output.is_array() && may_have_parts)) {
    conversation_.read_result(output, {index_, -1, "input", "output"}, result,
                              [&](Value part, const ParamPath& path, std::vector<Block>& out) {
                                read_content_part(part, path, true, out);
                              });
  } else if (!output.is_absent()) {  // the output of a shell, or the tools that were found, as JSON
    std::string escaped;
    json::append_escaped(escaped, output.raw());
    result.text = arena_.store(std::move(escaped));
  }
  mark_last({&result, 1});
  if (names_tool)
    results_.add_for_tool(result, qualified_name(item));
  else
    results_.add(result);
}

// --- What the store has returned -----------------------------------------------------------------

// Thinking that is not stored is left out, since the model can do without; any other item that is
// not stored is an error.
void ResponsesInput::read_reference(const Item& item) {
  const std::string id = item.id.decoded();
  const StoredInputItem* stored = stored_.find(id);
  // A summary is input for the model, though the model has written it.
  const bool is_summary = id.starts_with("cmp_");
  if (stored != nullptr && !stored_.has_room_for(*stored)) return;
  if (stored != nullptr && stored->is_output && !is_summary && !stored->output.blocks.empty())
    return replay(stored->output, key_of(item), stored_.is_incomplete(*stored));
  // All that is left of an erased item may be a reference to it.
  if (stored != nullptr && read_stored(stored->json)) return;
  if (id.starts_with("rs_"))
    return report_.warn("item_dropped", [&] { return element_param("input", index_); });
  report_.refuse_missing("input", fmt::format("Item with id '{}' not found.", id.substr(0, 128)));
}

// A search that is not stored is left out.
void ResponsesInput::read_search(const Item& item) {
  const StoredInputItem* stored = stored_.find(item.id.decoded());
  if (stored == nullptr || !stored->is_output || stored->output.blocks.empty()) return;
  if (stored_.has_room_for(*stored)) replay(stored->output, key_of(item), false);
}

// References among stored items are not followed, so that items which refer to each other end.
// Returns false when there is nothing but references.
bool ResponsesInput::read_stored(const std::string& elements) {
  bool has_items = false;
  const CacheControl of_reference = cache_control_;
  for (const Value element : stored_.parse(elements).children()) {
    const Item item(element);
    if (item.is_reference()) continue;
    has_items = true;
    cache_control_ = std::max(of_reference, item.cache_control());
    read_item(item);
    blocks_.clear();
    if (report_.refused()) break;
  }
  return has_items;
}

bool ResponsesInput::may_replay_thinking(const StoredOutput& output) const {
  const bool is_bound = context_.can.preserved_thinking == anthropic::PreservedThinking::kAccount;
  return output.family == context_.can.family && (!is_bound || output.account == context_.account);
}

// Blocks go up as upstream wrote them, so that everything before the new input is the same to the
// byte and the provider's cache of it is hit.
void ResponsesInput::replay(const StoredOutput& output, std::string_view key, bool is_incomplete) {
  if (output.blocks.empty()) {
    read_stored(output.items);
    return;
  }
  begin_assistant(key);
  const bool may_think = may_replay_thinking(output);
  const CacheControl of_reference = std::exchange(cache_control_, CacheControl::kNone);
  const Value::Range blocks = stored_.parse(output.blocks).children();
  for (auto block = blocks.begin(); block != blocks.end(); ++block) {
    const bool is_last = std::next(block) == blocks.end();
    replay_block(*block, may_think, is_incomplete && is_last);
    if (is_last) cache_control_ = of_reference;
    if (!blocks_.empty()) add_assistant(key);
    blocks_.clear();
  }
}

void ResponsesInput::replay_block(Value block, bool may_think, bool is_incomplete) {
  const std::string_view type = block["type"].text().escaped;
  if (is_thinking(type)) {
    if (may_think) thinking_.push_back({.kind = Block::Kind::kThinking, .text = block.raw()});
    return;
  }
  if (type == "text" && json::is_blank(block["text"].text())) return;
  if (type != "tool_use")
    return blocks_.push_back({.kind = Block::Kind::kVerbatim, .text = block.raw()});
  if (is_incomplete) return;
  const HistoryCall call{.call = {.id = block["id"].text().escaped,
                                  .name = plain_text(block["name"], arena_),
                                  .input = {block["input"].raw()}},
                         .message = message(),
                         .index = index_,
                         .has_upstream_name = true};
  if (conversation_.add_call(call, blocks_)) blocks_.back().content = call_members(block, arena_);
}

// --- Turns ---------------------------------------------------------------------------------------

// True when an item of the assistant with that key continues its last turn, though results may have
// come in between.
bool ResponsesInput::continues_turn(std::string_view key) const {
  return conversation_.is_in_assistant_turn() &&
         (results_.empty() || (!key.empty() && key == key_));
}

// Gives the last of the blocks the breakpoint that the item requests.
void ResponsesInput::mark_last(std::span<Block> blocks) {
  if (cache_control_ != CacheControl::kNone && set_last_cache_control(blocks, cache_control_))
    cache_control_ = CacheControl::kNone;
}

void ResponsesInput::begin_assistant(std::string_view key) {
  if (!continues_turn(key)) end_assistant();
  conversation_.begin_calls();
}

void ResponsesInput::add_assistant(std::string_view key) {
  mark_last(blocks_);
  if (!continues_turn(key)) end_assistant();
  if (!key.empty()) key_ = key;
  conversation_.add_assistant(message(), thinking_);
  thinking_.clear();
  conversation_.add_assistant(message(), blocks_);
}

void ResponsesInput::end_assistant() {
  results_.flush();
  conversation_.end_assistant_turn();
  key_ = {};
}

void ResponsesInput::close_turn() {
  end_assistant();
  thinking_.clear();
}

void ResponsesInput::add_user() {
  close_turn();
  mark_last(blocks_);
  conversation_.add_user(message(), blocks_);
}

}  // namespace ccproxy::dialect
