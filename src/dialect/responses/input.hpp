// Reads the input of a Responses request, a text or a list of items, into a conversation (rule
// B.2), after the responses that the request continues and with the items that it only refers to
// (rule B.7). It refuses to know what may follow what: that is request/turns.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dialect/history.hpp"
#include "dialect/request/conversation_builder.hpp"
#include "dialect/request/input_item.hpp"
#include "dialect/responses/pending_results.hpp"
#include "dialect/responses/stored_items.hpp"

namespace ccproxy::dialect {

class ResponsesInput {
 public:
  // `conversation` must outlive the object.
  explicit ResponsesInput(ConversationBuilder& conversation);

  // Reads the input and the output of an earlier response. Must be called before read(), for the
  // oldest response first.
  void read_history(const HistoryTurn& turn);
  // Reads the request's own input. Errors go to the report; reading ends at the first.
  void read(json::Value input);

  // True when the request wants a summary of the conversation instead of its continuation.
  [[nodiscard]] bool wants_compaction() const { return wants_compaction_; }
  // `reasoning` and `text` of the last configuration_update; absent without one.
  [[nodiscard]] json::Value new_reasoning() const { return new_reasoning_; }
  [[nodiscard]] json::Value new_text() const { return new_text_; }

 private:
  void read_list(json::Value items);
  void read_item(const Item& item);
  void read_message(const Item& item);
  void read_content(json::Value content, const char* member, bool allows_files,
                    std::vector<Block>& out);
  void read_content_part(json::Value part, const ParamPath& path, bool allows_files,
                         std::vector<Block>& out);
  void read_reasoning(const Item& item);
  void read_compaction(const Item& item);
  void read_update(const Item& update);
  void skip(const Item& item, ItemKind kind);

  // Calls of tools that the client runs, and their results.
  void read_call(const Item& item, ItemKind kind);
  void add_call(const Item& item, std::string_view tool, CallInput input);
  void read_result(const Item& item, ItemKind kind);
  [[nodiscard]] std::string_view name_of_call(const Item& item);
  [[nodiscard]] std::string_view qualified_name(const Item& item);
  [[nodiscard]] std::string_view shell_input(json::Value action);

  // Items and output that the store has returned.
  void read_reference(const Item& item);
  void read_search(const Item& item);
  bool read_stored(const std::string& elements);
  void replay(const StoredOutput& output, std::string_view key, bool is_incomplete);
  void replay_block(json::Value block, bool may_think, bool is_incomplete);
  [[nodiscard]] bool may_replay_thinking(const StoredOutput& output) const;

  // Turns. `key` is the key of the response that an item of the assistant is of; empty: not known.
  void begin_assistant(std::string_view key);
  void add_assistant(std::string_view key);
  void end_assistant();
  // Ends the assistant's turn for a message of another role; thinking before it has lost its turn.
  void close_turn();
  void add_user();
  [[nodiscard]] bool continues_turn(std::string_view key) const;
  void mark_last(std::span<Block> blocks);
  // The number that Turns knows the item by.
  [[nodiscard]] std::uint32_t message() const { return response_.value_or(index_); }

  ConversationBuilder& conversation_;
  const RequestContext& context_;
  Report& report_;
  RequestArena& arena_;
  StoredItems stored_;
  PendingResults results_;
  std::vector<Block> blocks_;    // of the item that is being read
  std::vector<Block> thinking_;  // to be added before the next block of the assistant
  json::Value new_reasoning_{}, new_text_{};
  CacheControl cache_control_ = CacheControl::kNone;  // of the item, until a block has it
  std::string_view key_;     // of the response that the assistant's turn is of; empty: not known
  std::uint32_t index_ = 0;  // of the item in the input of the request or of an earlier response
  std::optional<std::uint32_t> response_{};  // number of that earlier response
  bool wants_compaction_ = false;
};

}  // namespace ccproxy::dialect
