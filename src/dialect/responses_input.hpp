// The input of a Responses request, a text or a list of items, becomes turns and system blocks
// (translation.md B.2). It refuses to know what may follow what: that is turns.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dialect/call_input.hpp"
#include "dialect/chat_messages.hpp"
#include "dialect/content.hpp"
#include "dialect/tool_names.hpp"
#include "dialect/turns.hpp"

namespace ccproxy::dialect {

class ResponsesInput {
 public:
  // All must outlive it. Text of leading system messages goes into `system`, the rest into `turns`.
  ResponsesInput(const MessageTools& with, std::vector<Block>& system, Turns& turns);

  void read(json::Value input);

  // Names of the tools that the history calls, as RequestTools knows them, in the order of their
  // use.
  [[nodiscard]] const std::vector<std::string_view>& called() const { return called_; }
  // True when signed thinking goes back with a turn.
  [[nodiscard]] bool has_thought() const { return has_thought_; }
  // The last configuration_update's reasoning and text; absent without one.
  [[nodiscard]] json::Value new_reasoning() const { return new_reasoning_; }
  [[nodiscard]] json::Value new_text() const { return new_text_; }

 private:
  void read_item(json::Value item);
  bool read_call_or_result(json::Value item, std::string_view type);
  void read_message(json::Value item, std::string_view role);
  void read_said(json::Value item);
  void read_content(json::Value content, const char* member, bool allows_files);
  void read_reasoning(json::Value item);
  void read_compaction(json::Value item);
  void read_reference(json::Value item);
  void skip(json::Value item, std::string_view type);

  void read_call(json::Value item, std::string_view name, std::string_view input);
  void read_result(json::Value item, json::Value id, json::Value output);
  [[nodiscard]] std::string_view name_of_call(json::Value item);
  [[nodiscard]] std::string_view input_of_shell(json::Value action);

  void add_said(json::Value item);
  void add_of_user(Role role);
  void flush_results();
  [[nodiscard]] bool goes_on(std::string_view key) const;
  [[nodiscard]] Place place(const char* member) const;

  const RequestContext& context_;
  Report& report_;
  MadeTexts& made_;
  ToolNames& names_;
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
  json::Outline scratch_;
  json::Value new_reasoning_{}, new_text_{};
  std::string_view key_;  // of the response that the assistant's turn belongs to; empty: not known
  std::uint32_t index_ = 0;    // of the item
  bool is_leading_ = true;     // only system messages so far
  bool in_assistant_ = false;  // the assistant's turn has begun and may go on
  bool has_thought_ = false;
};

}  // namespace ccproxy::dialect
