// A streamed reply of Chat Completions: each part that the encoder emits is one chunk. The chunks
// of a reply differ only in their delta, so the members around it are written once.
#pragma once

#include "dialect/chat/encoder.hpp"

namespace ccproxy::dialect {

class ChatStream final : public ChatEncoder {
 public:
  // `plan` must outlive the encoder.
  ChatStream(const ReplyPlan& plan, ReplyIdentity identity);

 private:
  void begin(std::string& out) override;
  void emit_text(std::string_view escaped, std::string& out) override;
  void emit_reasoning(std::string_view escaped, std::string& out) override;
  void begin_call(const ChatCall& call, std::string& out) override;
  void emit_call_input(const ChatCall& call, std::string_view escaped, std::string& out) override;
  void end_call(std::string&) override {}
  void emit_annotations(const Citations& citations, std::string& out) override;
  void emit_refusal(std::string_view escaped, std::string& out) override;
  void end(std::string_view finish_reason, const Tokens& tokens, std::string& out) override;
  void emit_error(std::string_view body, std::string& out) override;
  void emit_keepalive(std::string& out) override { out += kKeepAlive; }

  // Appends a chunk whose delta is `member`, a string.
  void emit_member(std::string_view member, std::string_view escaped, std::string& out);
  void open_chunk(std::string& out) const;
  void close_chunk(std::string_view finish_reason, std::string& out) const;

  ReplyIdentity identity_;
  std::string head_;     // of every chunk, up to its choices
  std::string content_;  // of a reply in JSON, which a refusal must repeat
};

}  // namespace ccproxy::dialect
