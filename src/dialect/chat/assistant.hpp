// Reads a message of the assistant in a Chat Completions request: its text, its thinking in the
// ways that clients store it, and its calls in the shapes of both APIs (rules A.2.2, A.3.4).
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dialect/chat/message.hpp"
#include "dialect/request/conversation_builder.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

class AssistantReader {
 public:
  // `conversation` must outlive the object.
  explicit AssistantReader(ConversationBuilder& conversation);

  // Adds the message to the conversation. Errors go to the report.
  void read(const ChatMessage& message);

  // The id upstream of the last legacy call (`function_call`) of that function which has no result
  // yet; empty without one. The call then has its result.
  [[nodiscard]] std::string_view take_legacy_call(std::string_view function);

 private:
  void read_content(const ChatMessage& message);
  // Returns false for a part that messages of other roles may have as well.
  bool read_own_part(json::Value part, const ParamPath& path, bool has_call_parts);
  void read_call_part(json::Value part, const ParamPath& path);
  void read_signed_thinking(const ChatMessage& message);
  void read_calls(const ChatMessage& message);
  void read_call(json::Value call, const ChatMessage& message, std::size_t position);
  void read_legacy_call(const ChatMessage& message);

  ConversationBuilder& conversation_;
  Report& report_;
  RequestArena& arena_;
  // The blocks of the message that is being read. Its turn begins with the thinking and ends with
  // the calls beside the content.
  std::vector<Block> thinking_, content_, calls_;
  // Ids upstream of legacy calls without a result, by function.
  std::unordered_map<std::string_view, std::vector<std::string_view>> legacy_calls_;
  std::size_t legacy_count_ = 0;
};

}  // namespace ccproxy::dialect
