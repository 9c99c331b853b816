#include "dialect/request/conversation_builder.hpp"

namespace ccproxy::dialect {

using json::Value;

ConversationBuilder::ConversationBuilder(const ConversationParts& parts)
    : context_(parts.context),
      report_(parts.report),
      arena_(parts.arena),
      tools_(parts.tools),
      system_(parts.system),
      turns_(parts.turns),
      content_(parts.report, parts.arena, parts.betas),
      ids_(parts.arena),
      open_calls_(parts.arena) {}

void ConversationBuilder::read_content(Value content, const ParamPath& path, bool allows_files,
                                       std::vector<Block>& out) {
  read_content(content, path, out,
               [&](Value part, const ParamPath& part_path, std::vector<Block>& blocks) {
                 read_part(part, part_path, allows_files, blocks);
               });
}

void ConversationBuilder::add_system(std::uint32_t message, std::span<const Block> blocks) {
  if (!is_leading_) return turns_.add(Role::kSystem, message, blocks);
  system_.insert(system_.end(), blocks.begin(), blocks.end());
}

void ConversationBuilder::add_user(std::uint32_t message, std::span<const Block> blocks) {
  is_leading_ = false;
  if (blocks.empty()) return;
  is_in_assistant_turn_ = false;
  turns_.add(Role::kUser, message, blocks);
}

CallInput ConversationBuilder::function_input(std::string_view tool, Value arguments,
                                              std::string_view id) {
  // Clients that know no custom tools write its calls as function calls.
  if (tools_.is_custom(tool)) return {text_input_of(arguments, arena_)};
  return open_calls_.input_of(arguments, id);
}

// The name upstream is looked up first: turns that the store returns have it, and a call of theirs
// may come once more as the client's.
bool ConversationBuilder::add_call(HistoryCall call, std::vector<Block>& out) {
  const std::string_view tool = call.call.name;
  if (!call.has_upstream_name) call.call.name = tools_.upstream_of_call(call.call, context_.memory);
  if (open_calls_.has(call.call)) return false;
  const std::string_view id = call.call.id.empty()
                                  ? ids_.assign({}, call_id_at(call.index, call.position))
                                  : ids_.assign(call.call.id, {});
  append_call(call, tool, id, out);
  return true;
}

void ConversationBuilder::add_new_call(HistoryCall call, std::vector<Block>& out) {
  const std::string_view tool = call.call.name, id = call.call.id;
  call.call.name = tools_.upstream_of_call(call.call, context_.memory);
  append_call(call, tool, id, out);
}

void ConversationBuilder::append_call(HistoryCall& call, std::string_view tool, std::string_view id,
                                      std::vector<Block>& out) {
  open_calls_.add(call.call, id);
  called_tools_.push_back(tool);
  out.push_back({.kind = Block::Kind::kToolUse,
                 .cache_control = call.cache_control,
                 .message = call.message,
                 .text = call.call.input.json,
                 .id = id,
                 .name = call.call.name,
                 .input_hash = call.call.input.hash});
}

}  // namespace ccproxy::dialect
