// The legacy /v1/completions: replies that hold text and nothing else, streamed and whole.
#pragma once

#include "dialect/chat/encoder.hpp"

namespace ccproxy::dialect {

// Drops reasoning, calls, annotations and refusals, for which neither shape has a member.
class CompletionEncoder : public ChatEncoder {
 public:
  // `plan` must outlive the encoder.
  CompletionEncoder(const ReplyPlan& plan, ReplyIdentity identity);

 protected:
  [[nodiscard]] const ReplyIdentity& identity() const { return identity_; }
  // Appends {"id",...,"choices":[{...}] and leaves the object open for the usage.
  void append_choice(std::string_view escaped, std::string_view finish_reason,
                     std::string& out) const;

 private:
  void begin(std::string&) final {}
  void emit_reasoning(std::string_view, std::string&) final {}
  void begin_call(const ChatCall&, std::string&) final {}
  void emit_call_input(const ChatCall&, std::string_view, std::string&) final {}
  void end_call(std::string&) final {}
  void emit_annotations(const Citations&, std::string&) final {}
  void emit_refusal(std::string_view, std::string&) final {}

  ReplyIdentity identity_;
};

class CompletionStream final : public CompletionEncoder {
 public:
  using CompletionEncoder::CompletionEncoder;

 private:
  void emit_text(std::string_view escaped, std::string& out) override;
  void end(std::string_view finish_reason, const Tokens& tokens, std::string& out) override;
  void emit_error(std::string_view body, std::string& out) override;
  void emit_keepalive(std::string& out) override { out += kKeepAlive; }
};

class CompletionReply final : public CompletionEncoder {
 public:
  using CompletionEncoder::CompletionEncoder;

 private:
  void emit_text(std::string_view escaped, std::string&) override { text_ += escaped; }
  void end(std::string_view finish_reason, const Tokens& tokens, std::string& out) override;
  void emit_error(std::string_view body, std::string& out) override { out = body; }
  void emit_keepalive(std::string&) override {}

  std::string text_;  // still escaped
};

}  // namespace ccproxy::dialect
