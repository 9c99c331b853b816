// The input of a Responses request, a text or a list of items, becomes turns and system blocks
// (rule B.2). It refuses to know what may follow what: that is request/turns.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "dialect/history.hpp"
#include "dialect/request/call_input.hpp"
#include "dialect/request/content.hpp"
#include "dialect/request/input_item.hpp"
#include "dialect/request/message_tools.hpp"
#include "dialect/request/tool_names.hpp"
#include "dialect/request/turns.hpp"

namespace ccproxy::dialect {

class ResponsesInput {
 public:
  // All must outlive it. Text of leading system messages goes into `system`, the rest into `turns`.
  ResponsesInput(const MessageTools& with, std::vector<Block>& system, Turns& turns);

  // A response before this one, with all that it was asked and has answered. The oldest first,
  // before read().
  void read_history(const HistoryTurn& turn);
  void read(json::Value input);

  // Names of the tools that the history calls, as RequestTools knows them, in the order of their
  // use.
  [[nodiscard]] const std::vector<std::string_view>& called() const { return called_; }
  // True when a summary of the conversation is wanted instead of an answer.
  [[nodiscard]] bool wants_compaction() const { return wants_compaction_; }
  // The last configuration_update's reasoning and text; absent without one.
  [[nodiscard]] json::Value new_reasoning() const { return new_reasoning_; }
  [[nodiscard]] json::Value new_text() const { return new_text_; }

 private:
  void read_list(json::Value items);
  void read_item(const Item& item);
  void read_message(const Item& item);
  void read_said(const Item& item);
  void read_content(json::Value content, const char* member, bool allows_files);
  void read_reasoning(const Item& item);
  void read_compaction(const Item& item);
  void read_update(const Item& update);
  void skip(const Item& item, ItemKind kind);
  void cache_control(std::span<Block> blocks);

  void read_call(const Item& item, ItemKind kind);
  void add_call(const Item& item, std::string_view name, CallInput input);
  // The id that the client gave the call; empty without.
  [[nodiscard]] static std::string_view id_of_call(const Item& item);
  void read_result(const Item& item, ItemKind kind);
  void answer_by_name();
  [[nodiscard]] std::string_view name_of_call(const Item& item);
  [[nodiscard]] std::string_view name_with_space(const Item& item);
  [[nodiscard]] std::string_view input_of_shell(json::Value action);

  // What was kept, in replay.cpp.
  void read_reference(const Item& item);
  void read_search(const Item& item);
  bool read_kept(const std::string& elements);
  bool has_room_for(const StoredInputItem& item);
  void replay(const StoredOutput& answer, std::string_view key, bool is_cut);
  [[nodiscard]] bool is_cut(const StoredInputItem& kept);
  void replay_block(json::Value block, bool may_think, bool is_cut);
  [[nodiscard]] json::Value outlined(const std::string& elements);
  [[nodiscard]] bool may_think_again(const StoredOutput& answer) const;
  [[nodiscard]] const StoredInputItem* kept_item(const std::string& id) const;

  void add_said(std::string_view key);
  void add_of_user(Role role);
  void flush_results();
  [[nodiscard]] bool goes_on(std::string_view key) const;
  // The part of an item's id that all items of one response share: fc_<key>_<n>.
  [[nodiscard]] static std::string_view key_of(const Item& item);
  [[nodiscard]] ParamPath place(const char* member) const;
  // What Turns calls the message that an item is.
  [[nodiscard]] std::uint32_t message() const { return response_.value_or(index_); }

  const RequestContext& context_;
  Report& report_;
  RequestArena& arena_;
  const RequestTools& tools_;
  Content content_;
  CallIds ids_;
  OpenCalls open_calls_;
  std::vector<Block>& system_;
  Turns& turns_;
  std::vector<std::string_view> called_;
  std::vector<Block> blocks_;    // of the item that is being read
  std::vector<Block> thoughts_;  // that stand before what the assistant says next
  std::vector<Block> results_;   // of the turn before, until it is clear that it has ended
  // Those among them that name a tool instead of a call: where they stand, and the tool.
  std::vector<std::pair<std::size_t, std::string_view>> named_results_;
  std::deque<json::Outline> history_;  // of what was kept
  json::Value new_reasoning_{}, new_text_{};
  CacheControl cache_control_ = CacheControl::kNone;  // of the item, until a block has it
  std::string_view key_;   // of the response that the assistant's turn belongs to; empty: not known
  std::size_t named_ = 0;  // bytes of the items that were only named
  std::uint32_t index_ = 0;  // of the item in the input of the request, or of a response before
  std::optional<std::uint32_t> response_{};  // that response's number; without: the request itself
  bool is_leading_ = true;                   // only system messages so far
  bool in_assistant_ = false;                // the assistant's turn has begun and may go on
  bool wants_compaction_ = false;
};

}  // namespace ccproxy::dialect
