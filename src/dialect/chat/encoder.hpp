// What Anthropic's events mean in Chat Completions: which text is content, which call has which
// number, why the reply ended. Streamed and whole replies, of chat and of the legacy completions,
// derive from it and only write what it emits, each in its own shape.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "dialect/reply/citations.hpp"
#include "dialect/reply/markdown_fence.hpp"
#include "dialect/reply/reply_encoder.hpp"
#include "dialect/reply/streamed_input.hpp"
#include "dialect/reply/usage.hpp"
#include "dialect/reply_plan.hpp"

namespace ccproxy::dialect {

// A call of one of the client's tools. The views are valid until the function that is given the
// call returns.
struct ChatCall {
  int number = 0;               // counts the client's calls from 0, not the blocks
  bool is_custom = false;       // its input is written as text instead of JSON arguments
  std::string_view id, name{};  // still escaped
};

class ChatEncoder : public ReplyEncoder {
 public:
  // `plan` must outlive the encoder.
  explicit ChatEncoder(const ReplyPlan& plan) : ReplyEncoder(plan) {}

  void on(const anthropic::MessageEvent& event, std::string& out) final;

 protected:
  // The parts of a reply. begin() comes first and end() last, unless emit_error() comes in its
  // place; texts, reasoning and calls come in any order between them, then the annotations and the
  // refusal. `escaped` is part of a JSON string, still escaped and never empty.
  virtual void begin(std::string& out) = 0;
  virtual void emit_text(std::string_view escaped, std::string& out) = 0;
  virtual void emit_reasoning(std::string_view escaped, std::string& out) = 0;
  virtual void begin_call(const ChatCall& call, std::string& out) = 0;
  virtual void emit_call_input(const ChatCall& call, std::string_view escaped,
                               std::string& out) = 0;
  virtual void end_call(std::string& out) = 0;
  virtual void emit_annotations(const Citations& citations, std::string& out) = 0;
  virtual void emit_refusal(std::string_view escaped, std::string& out) = 0;
  virtual void end(std::string_view finish_reason, const Tokens& tokens, std::string& out) = 0;
  // `body` is the error's JSON.
  virtual void emit_error(std::string_view body, std::string& out) = 0;
  virtual void emit_keepalive(std::string& out) = 0;

  // OpenAI's word for the service that was given. It is final when begin() is called.
  [[nodiscard]] std::string_view service_tier() const;

 private:
  // The block that is open. Blocks come one after another, so at most one is.
  struct NoBlock {};
  struct TextBlock {};
  struct ThinkingBlock {
    bool has_text = false;  // the client has got some of it
  };
  struct CallBlock {
    ChatCall call;
  };

  void take(const anthropic::MessageStart& start, std::string& out);
  void take(const anthropic::BlockStart& start, std::string& out);
  void take(const anthropic::TextDelta& delta, std::string& out);
  void take(const anthropic::ThinkingDelta& delta, std::string& out);
  void take(const anthropic::InputJsonDelta& delta, std::string& out);
  void take(const anthropic::CitationDelta& delta, std::string& out);
  void take(const anthropic::BlockStop& stop, std::string& out);
  void take(const anthropic::MessageDelta& delta, std::string& out);
  void take(const anthropic::MessageStop& stop, std::string& out);
  void take(const anthropic::Ping& ping, std::string& out);
  void take(const anthropic::Failure& failure, std::string& out);
  // Chat Completions has no member for a signature: proxy/state remembers the turn instead.
  void take(const anthropic::SignatureDelta&, std::string&) {}

  void complete(std::string& out) final;
  void end_with_error(const Error& error, std::string& out) final;

  void ensure_begun(std::string& out);
  void open_call(const anthropic::BlockStart& start, std::string& out);
  void close_block(std::string& out);
  void pass_text(std::string_view escaped, std::string& out);
  void pass_input(const ChatCall& call, std::string_view escaped, std::string& out);

  std::variant<NoBlock, TextBlock, ThinkingBlock, CallBlock> block_;
  int calls_ = 0;
  bool has_content_ = false;    // a block or the end has come, so pings become comments
  bool has_reasoning_ = false;  // some was emitted: a blank line separates the next block from it
  std::size_t position_ = 0;    // in the content, in code points
  Citations citations_;
  StreamedInput input_;  // of the open call
  EscapedFence fence_;
  std::string id_, name_;  // of the open call
};

// Makes the encoder that the plan asks for: streamed or whole, chat or the legacy completions.
// `plan` must outlive it.
[[nodiscard]] std::unique_ptr<ReplyEncoder> make_chat_encoder(const ReplyPlan& plan,
                                                              ReplyIdentity identity);

}  // namespace ccproxy::dialect
