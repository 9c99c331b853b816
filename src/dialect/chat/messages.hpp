// Reads the messages of a Chat Completions request into a conversation (rules A.2, A.2.2, A.3.4).
// It refuses to know what may follow what: that is request/turns.hpp.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "dialect/chat/assistant.hpp"
#include "dialect/chat/message.hpp"
#include "dialect/request/conversation_builder.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

class ChatMessages {
 public:
  // `conversation` must outlive the object.
  explicit ChatMessages(ConversationBuilder& conversation);

  // Errors go to the report; reading ends at the first.
  void read(json::Value messages);

 private:
  void read_message(const ChatMessage& message);
  void read_system(const ChatMessage& message);
  void read_user(const ChatMessage& message);
  void read_tool(const ChatMessage& message);
  void read_function(const ChatMessage& message);
  void add_sender(const ChatMessage& message);
  void add_user(const ChatMessage& message);
  // Appends the result of the call with the id `id` upstream.
  void add_result(std::string_view id, json::Value content, json::Value is_error,
                  const ChatMessage& message);
  void add_result_part(json::Value part, const ChatMessage& message);

  ConversationBuilder& conversation_;
  Report& report_;
  RequestArena& arena_;
  AssistantReader assistant_;
  std::vector<Block> blocks_;  // of the message that is being read
};

}  // namespace ccproxy::dialect
