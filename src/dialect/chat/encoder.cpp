#include "dialect/chat/encoder.hpp"

#include <utility>

#include "dialect/chat/legacy_completion.hpp"
#include "dialect/chat/reply.hpp"
#include "dialect/chat/stream.hpp"
#include "dialect/error.hpp"
#include "dialect/reply/openai_error.hpp"
#include "dialect/reply/openai_terms.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {

using anthropic::BlockKind;

void ChatEncoder::on(const anthropic::MessageEvent& event, std::string& out) {
  dispatch(event, [&](const auto& one) { take(one, out); });
}

void ChatEncoder::complete(std::string& out) {
  close_block(out);
  pass_text(fence_.finish(), out);
  if (!citations_.all().empty()) emit_annotations(citations_, out);
  if (reply().is_refused()) emit_refusal(reply().refusal(), out);
  // The legacy completions have no member for a call, and no finish_reason for one.
  const bool has_call = calls_ > 0 && !plan().text_completion;
  end(finish_reason(reply().stop_reason(), has_call, plan().legacy_functions), reply().tokens(),
      out);
  reply().end();
}

void ChatEncoder::end_with_error(const Error& error, std::string& out) {
  emit_error(error_body(Dialect::kChat, error, ""), out);
  reply().fail(status_of(Dialect::kChat, error));
}

std::string_view ChatEncoder::service_tier() const {
  const std::string_view tier = reply().service_tier();
  return tier.empty() ? "default" : tier;
}

void ChatEncoder::ensure_begun(std::string& out) {
  if (reply().begin()) begin(out);
}

void ChatEncoder::take(const anthropic::MessageStart& start, std::string& out) {
  close_block(out);
  reply().start(start);
  ensure_begun(out);
}

void ChatEncoder::take(const anthropic::BlockStart& start, std::string& out) {
  ensure_begun(out);
  close_block(out);
  has_content_ = true;
  if (start.kind == BlockKind::kText) {
    block_ = TextBlock{};
    citations_.begin_block(position_);
    take(anthropic::TextDelta{start.text}, out);
  } else if (start.kind == BlockKind::kThinking) {
    block_ = ThinkingBlock{};
    take(anthropic::ThinkingDelta{start.text}, out);
  } else if (start.kind == BlockKind::kToolUse) {
    open_call(start, out);
  }
}

void ChatEncoder::open_call(const anthropic::BlockStart& start, std::string& out) {
  if (plan().legacy_functions && calls_ > 0) return;  // function_call holds a single call
  const ToolName* tool = reply().find_tool(start.name.escaped);
  id_ = start.id.escaped;
  name_ = start.name.escaped;
  if (tool) {
    name_.clear();
    json::append_escaped(name_, tool->client);
  }
  const bool is_custom = tool && tool->shape == ToolShape::kCustom;
  const ChatCall call{calls_++, is_custom && !plan().custom_as_function, id_, name_};
  block_ = CallBlock{call};
  std::string input;
  if (start.has_input()) json::append_compact(input, start.input);
  input_.begin(is_custom, std::move(input));
  begin_call(call, out);
}

void ChatEncoder::take(const anthropic::TextDelta& delta, std::string& out) {
  if (!std::holds_alternative<TextBlock>(block_) || delta.text.empty()) return;
  pass_text(plan().strips_fence ? fence_.feed(delta.text.escaped) : delta.text.escaped, out);
}

void ChatEncoder::pass_text(std::string_view escaped, std::string& out) {
  if (escaped.empty()) return;
  position_ += json::code_points({escaped});
  emit_text(escaped, out);
}

void ChatEncoder::take(const anthropic::ThinkingDelta& delta, std::string& out) {
  auto* block = std::get_if<ThinkingBlock>(&block_);
  if (!block || delta.text.empty() || !plan().show_reasoning) return;
  if (has_reasoning_ && !block->has_text) emit_reasoning("\\n\\n", out);
  block->has_text = has_reasoning_ = true;
  emit_reasoning(delta.text.escaped, out);
}

void ChatEncoder::take(const anthropic::InputJsonDelta& delta, std::string& out) {
  if (auto* block = std::get_if<CallBlock>(&block_))
    pass_input(block->call, input_.feed(delta.partial.escaped), out);
}

void ChatEncoder::pass_input(const ChatCall& call, std::string_view escaped, std::string& out) {
  if (!escaped.empty()) emit_call_input(call, escaped, out);
}

void ChatEncoder::take(const anthropic::CitationDelta& delta, std::string&) {
  if (!std::holds_alternative<TextBlock>(block_)) return;
  if (plan().text_completion || !citations_.cite(delta)) ignore("citations");
}

void ChatEncoder::take(const anthropic::BlockStop&, std::string& out) { close_block(out); }

void ChatEncoder::close_block(std::string& out) {
  if (std::holds_alternative<TextBlock>(block_)) citations_.end_block(position_);
  if (auto* block = std::get_if<CallBlock>(&block_)) {
    pass_input(block->call, input_.finish(), out);
    end_call(out);
  }
  block_ = NoBlock{};
}

void ChatEncoder::take(const anthropic::MessageDelta& delta, std::string& out) {
  ensure_begun(out);
  has_content_ = true;
  reply().take(delta);
}

void ChatEncoder::take(const anthropic::MessageStop&, std::string& out) {
  ensure_begun(out);
  reply().stop();
}

void ChatEncoder::take(const anthropic::Ping&, std::string& out) {
  if (has_content_) emit_keepalive(out);
}

void ChatEncoder::take(const anthropic::Failure& failure, std::string& out) {
  const ErrorReply error = openai_error(Dialect::kChat, failure);
  emit_error(error.body, out);
  reply().fail(error.status);
}

std::unique_ptr<ReplyEncoder> make_chat_encoder(const ReplyPlan& plan, ReplyIdentity identity) {
  if (plan.text_completion) {
    if (plan.stream) return std::make_unique<CompletionStream>(plan, std::move(identity));
    return std::make_unique<CompletionReply>(plan, std::move(identity));
  }
  if (plan.stream) return std::make_unique<ChatStream>(plan, std::move(identity));
  return std::make_unique<ChatReply>(plan, std::move(identity));
}

}  // namespace ccproxy::dialect
