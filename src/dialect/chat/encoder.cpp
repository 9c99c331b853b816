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
  if (phase_ == Phase::kOver) return;
  std::visit([&](const auto& one) { take(one, out); }, event);
}

void ChatEncoder::finish(std::string& out) {
  if (phase_ == Phase::kOver) return;
  if (phase_ != Phase::kStopped || stop_reason_.empty())
    return fail({ErrorKind::kUpstreamBroke, "the upstream ended its answer before it was complete"},
                out);
  close_block(out);
  plain_.clear();
  fence_.finish(plain_);
  pass_plain(plain_, out);
  if (!citations_.all().empty()) emit_annotations(citations_, out);
  if (stop_reason_ == "refusal") emit_refusal(refusal_text(explanation_, category_), out);
  // The legacy completions have no place for a call, and no word for one.
  const bool has_call = calls_ > 0 && !plan_.text_completion;
  end(finish_reason(stop_reason_, has_call, plan_.legacy_functions), tokens_.sum(), out);
  phase_ = Phase::kOver;
}

void ChatEncoder::fail(const Error& error, std::string& out) {
  if (phase_ == Phase::kOver) return;
  stop_with(status_of(Dialect::kChat, error), error_body(Dialect::kChat, error, ""), out);
}

void ChatEncoder::stop_with(int status, std::string_view body, std::string& out) {
  status_ = status;
  break_off(body, out);
  phase_ = Phase::kOver;
}

void ChatEncoder::ensure_begun(std::string& out) {
  if (phase_ == Phase::kBeforeStart) begin(out);
  phase_ = Phase::kBegun;
}

void ChatEncoder::take(const anthropic::MessageStart& start, std::string& out) {
  if (phase_ == Phase::kBeforeStart)
    service_tier_ = service_tier_of(start.service_tier.escaped, start.fast);
  close_block(out);
  stop_reason_.clear();
  tokens_.begin_message();
  tokens_.take(start.tokens);
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
  if (plan_.legacy_functions && calls_ > 0) return;  // the old shape has room for one
  const ToolName* tool = tools_.find(start.name.escaped);
  id_ = start.id.escaped;
  name_ = start.name.escaped;
  if (tool) {
    name_.clear();
    json::append_escaped(name_, tool->client);
  }
  const bool decodes = tool && tool->shape == ToolShape::kCustom;
  const ChatCall call{calls_++, decodes && !plan_.custom_as_function, id_, name_};
  custom_.begin();
  block_ = CallBlock{call, decodes, false, ""};
  if (start.has_input()) json::append_compact(std::get<CallBlock>(block_).input, start.input);
  begin_call(call, out);
}

void ChatEncoder::take(const anthropic::TextDelta& delta, std::string& out) {
  if (!std::holds_alternative<TextBlock>(block_) || delta.text.empty()) return;
  if (!plan_.strips_fence) return pass_text(delta.text.escaped, out);
  escaped_.clear();
  json::append_decoded(escaped_, delta.text);
  plain_.clear();
  fence_.feed(escaped_, plain_);
  pass_plain(plain_, out);
}

void ChatEncoder::pass_plain(std::string_view plain, std::string& out) {
  escaped_.clear();
  json::append_escaped(escaped_, plain);
  pass_text(escaped_, out);
}

void ChatEncoder::pass_text(std::string_view escaped, std::string& out) {
  if (escaped.empty()) return;
  position_ += json::code_points({escaped});
  emit_text(escaped, out);
}

void ChatEncoder::take(const anthropic::ThinkingDelta& delta, std::string& out) {
  auto* block = std::get_if<ThinkingBlock>(&block_);
  if (!block || delta.text.empty() || !plan_.show_reasoning) return;
  if (has_reasoning_ && !block->told) emit_reasoning("\\n\\n", out);
  block->told = has_reasoning_ = true;
  emit_reasoning(delta.text.escaped, out);
}

void ChatEncoder::take(const anthropic::InputJsonDelta& delta, std::string& out) {
  auto* block = std::get_if<CallBlock>(&block_);
  if (!block || delta.partial.empty()) return;
  if (!block->decodes) {
    block->told = true;
    return emit_call(block->call, delta.partial.escaped, out);
  }
  plain_.clear();
  json::append_decoded(plain_, delta.partial);
  pass_input(*block, plain_, out);
}

// A piece of a custom tool's JSON, as far as its text is certain by now.
void ChatEncoder::pass_input(CallBlock& block, std::string_view json, std::string& out) {
  block.told = true;
  escaped_.clear();
  custom_.feed(json, escaped_);
  if (escaped_.empty()) return;
  std::string& told = plain_;  // `json` may stand there, but it has been read
  told.clear();
  json::append_escaped(told, escaped_);
  emit_call(block.call, told, out);
}

void ChatEncoder::take(const anthropic::CitationDelta& delta, std::string&) {
  if (!std::holds_alternative<TextBlock>(block_)) return;
  if (plan_.text_completion || !citations_.cite(delta)) ignore("citations");
}

void ChatEncoder::take(const anthropic::BlockStop&, std::string& out) { close_block(out); }

void ChatEncoder::close_block(std::string& out) {
  if (std::holds_alternative<TextBlock>(block_)) citations_.end_block(position_);
  if (auto* call = std::get_if<CallBlock>(&block_)) {
    close_call(*call, out);
    end_call(out);
  }
  block_ = NoBlock{};
}

// A call without a single byte of input is still owed valid arguments.
void ChatEncoder::close_call(CallBlock& block, std::string& out) {
  if (block.told) return;
  if (block.decodes) return pass_input(block, block.input, out);
  escaped_.clear();
  json::append_escaped(escaped_, block.input.empty() ? std::string_view("{}") : block.input);
  emit_call(block.call, escaped_, out);
}

void ChatEncoder::take(const anthropic::MessageDelta& delta, std::string& out) {
  ensure_begun(out);
  has_content_ = true;
  tokens_.take(delta.tokens);
  if (delta.stop_reason.empty()) return;
  stop_reason_ = delta.stop_reason.escaped;
  category_ = delta.category.escaped;
  explanation_ = delta.explanation.escaped;
}

void ChatEncoder::take(const anthropic::MessageStop&, std::string& out) {
  ensure_begun(out);
  phase_ = Phase::kStopped;
}

void ChatEncoder::take(const anthropic::Ping&, std::string& out) {
  if (has_content_) keep_alive(out);
}

void ChatEncoder::take(const anthropic::Failure& failure, std::string& out) {
  const ErrorReply reply = openai_error(Dialect::kChat, failure);
  stop_with(reply.status, reply.body, out);
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
