// A whole reply of Chat Completions: its parts are collected while the events come and written when
// the reply is complete.
#pragma once

#include "dialect/chat/encoder.hpp"

namespace ccproxy::dialect {

class ChatReply final : public ChatEncoder {
 public:
  // `plan` must outlive the encoder.
  ChatReply(const ReplyPlan& plan, ReplyIdentity identity);

 private:
  void begin(std::string&) override {}
  void emit_text(std::string_view escaped, std::string&) override { content_ += escaped; }
  void emit_reasoning(std::string_view escaped, std::string&) override { reasoning_ += escaped; }
  void begin_call(const ChatCall& call, std::string&) override;
  void emit_call_input(const ChatCall&, std::string_view escaped, std::string&) override;
  void end_call(std::string&) override;
  void emit_annotations(const Citations& citations, std::string&) override;
  void emit_refusal(std::string_view escaped, std::string&) override;
  void end(std::string_view finish_reason, const Tokens& tokens, std::string& out) override;
  void emit_error(std::string_view body, std::string& out) override { out = body; }
  void emit_keepalive(std::string&) override {}

  void append_message(std::string& out) const;

  ReplyIdentity identity_;
  std::string content_, reasoning_, refusal_;  // still escaped
  std::string calls_;                          // JSON: elements of tool_calls, or the function_call
  std::string annotations_ = "[]";
};

}  // namespace ccproxy::dialect
