// What an answer of Anthropic's means in Chat Completions: which text is content, which call has
// which number, why it ended. Streams and whole answers, chat and the legacy completions, derive
// from it and only write down what they are told, each in its shape.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "dialect/reply/citations.hpp"
#include "dialect/reply/custom_input.hpp"
#include "dialect/reply/markdown_fence.hpp"
#include "dialect/reply/reply_encoder.hpp"
#include "dialect/reply/usage.hpp"
#include "dialect/reply_plan.hpp"

namespace ccproxy::dialect {

// A call of one of the client's tools. Views live as long as the call of the function they are
// given to.
struct ChatCall {
  int number = 0;               // 0, 1, 2...: the client's, not the block's
  bool custom = false;          // told as text, not as arguments
  std::string_view id, name{};  // still escaped
};

class ChatEncoder : public ReplyEncoder {
 public:
  // `plan` must outlive it.
  explicit ChatEncoder(const ReplyPlan& plan) : plan_(plan), tools_(plan) {}

  void on(const anthropic::MessageEvent& event, std::string& out) final;
  void finish(std::string& out) final;
  void fail(const Error& error, std::string& out) final;
  [[nodiscard]] bool paused() const final { return stop_reason_ == "pause_turn"; }
  [[nodiscard]] Tokens tokens() const final { return tokens_.sum(); }
  [[nodiscard]] std::string_view stop_reason() const final { return stop_reason_; }
  [[nodiscard]] int status() const final { return status_; }

 protected:
  // What there is to tell, in this order but for text, reasoning and calls, which come in any.
  // Texts are parts of a JSON string, still escaped, never empty.
  virtual void begin(std::string& out) = 0;
  virtual void emit_text(std::string_view escaped, std::string& out) = 0;
  virtual void emit_reasoning(std::string_view escaped, std::string& out) = 0;
  virtual void begin_call(const ChatCall& call, std::string& out) = 0;
  virtual void emit_call(const ChatCall& call, std::string_view escaped, std::string& out) = 0;
  virtual void end_call(std::string& out) = 0;
  virtual void emit_annotations(const Citations& citations, std::string& out) = 0;
  virtual void emit_refusal(std::string_view escaped, std::string& out) = 0;
  virtual void end(std::string_view finish_reason, const Tokens& tokens, std::string& out) = 0;
  // Instead of end(); `body` is the error's JSON.
  virtual void break_off(std::string_view body, std::string& out) = 0;
  virtual void keep_alive(std::string& out) = 0;

  [[nodiscard]] const ReplyPlan& plan() const { return plan_; }
  // OpenAI's word for the service that was given; known when the answer begins.
  [[nodiscard]] std::string_view service_tier() const { return service_tier_; }

 private:
  enum class Phase { kBeforeStart, kBegun, kStopped, kOver };
  // The block that is open. Blocks come one after another, so there is one at most.
  struct NoBlock {};
  struct TextBlock {};
  struct ThinkingBlock {
    bool told = false;
  };
  struct CallBlock {
    ChatCall call;
    bool decodes = false;  // a custom tool: its input is a string inside the JSON
    bool told = false;
    std::string input;  // of the start event, when it says something
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
  void take(const anthropic::SignatureDelta&, std::string&) {}
  void take(const anthropic::OtherDelta&, std::string&) {}
  void take(const anthropic::Unknown&, std::string&) {}

  void ensure_begun(std::string& out);
  void open_call(const anthropic::BlockStart& start, std::string& out);
  void close_block(std::string& out);
  void close_call(CallBlock& block, std::string& out);
  void pass_text(std::string_view escaped, std::string& out);
  void pass_plain(std::string_view plain, std::string& out);
  void pass_input(CallBlock& block, std::string_view json, std::string& out);
  void stop_with(int status, std::string_view body, std::string& out);

  const ReplyPlan& plan_;
  ToolsByName tools_;
  Phase phase_ = Phase::kBeforeStart;
  std::variant<NoBlock, TextBlock, ThinkingBlock, CallBlock> block_;
  int status_ = 200;
  int calls_ = 0;
  bool has_content_ = false;    // a block or the end has come: the answer is under way
  bool has_reasoning_ = false;  // some was told, so that the next block stands apart from it
  std::size_t position_ = 0;    // in the content, in code points
  std::string_view service_tier_ = "default";
  ReplyUsage tokens_;
  Citations citations_;
  CustomInput custom_;
  Fence fence_;
  std::string stop_reason_, category_, explanation_;
  std::string id_, name_;        // of the open call
  std::string plain_, escaped_;  // for what must be decoded on its way; kept for their memory
};

// Streamed or whole, chat or the legacy completions, as the plan says. `plan` must outlive it.
[[nodiscard]] std::unique_ptr<ReplyEncoder> make_chat_encoder(const ReplyPlan& plan,
                                                              ReplyIdentity identity);

}  // namespace ccproxy::dialect
