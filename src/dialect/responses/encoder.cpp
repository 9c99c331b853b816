#include "dialect/responses/encoder.hpp"

#include <algorithm>
#include <utility>

#include "base/status.hpp"
#include "dialect/error.hpp"
#include "dialect/reply/openai_error.hpp"
#include "dialect/reply/openai_terms.hpp"
#include "dialect/responses/echo.hpp"
#include "dialect/responses/error.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using anthropic::BlockKind;

// What stands before the key in the id of a response.
constexpr std::string_view kPrefix = "resp_";
constexpr std::string_view kMessagePrefix = "msg";
constexpr std::size_t kMaxOther = 1024;  // of an object: what is neither output nor of the request

bool is_cut(std::string_view stop_reason) {
  return stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded";
}

std::string escaped_text(std::string_view plain) {
  std::string escaped;
  json::append_escaped(escaped, plain);
  return escaped;
}

}  // namespace

ResponsesEncoder::ResponsesEncoder(const ReplyPlan& plan, ReplyIdentity identity, EventLog* log,
                                   std::function<std::int64_t()> now)
    : plan_(plan),
      tools_(plan),
      events_(plan.stream, log),
      now_(std::move(now)),
      key_(identity.id.substr(kPrefix.size())) {
  state_.id = std::move(identity.id);
  state_.created = identity.created;
  state_.model = plan.model;
}

void ResponsesEncoder::on(const anthropic::MessageEvent& event, std::string& out) {
  if (phase_ == Phase::kOver) return;
  std::visit([&](const auto& one) { take(one, out); }, event);
}

std::string ResponsesEncoder::object() const {
  std::string output, json;
  for (const EmittedItem& item : items_) {
    if (item.json.empty()) continue;
    if (!output.empty()) output += ',';
    output += item.json;
  }
  json.reserve(output.size() + weight() + kMaxOther);
  if (plan_.responses.is_compaction && state_.status == ResponseStatus::kCompleted)
    append_compaction(json, state_, plan_.responses.kept, output);
  else
    append_response(json, state_, output, is_lost_ ? lost_echo_ : plan_.responses.echo);
  return json;
}

void ResponsesEncoder::emit_state(std::string_view event, std::string& out) {
  if (events_.are_heard()) events_.add(event, {R"(,"response":)", object()}, out);
}

void ResponsesEncoder::queue(std::string& out) {
  state_.status = ResponseStatus::kQueued;
  is_queued_ = true;
  emit_state("created", out);
  emit_state("queued", out);
}

void ResponsesEncoder::ensure_begun(std::string& out) {
  if (phase_ == Phase::kBeforeStart) {
    state_.status = ResponseStatus::kInProgress;
    if (!is_queued_) emit_state("created", out);
    emit_state("in_progress", out);
  }
  phase_ = Phase::kBegun;
}

ItemRef ResponsesEncoder::new_place(std::string_view prefix) {
  const std::size_t index = items_.size();
  std::string id(prefix);
  id.append("_").append(key_).append("_").append(std::to_string(index));
  items_.push_back({.id = id, .first_block = blocks_});
  return {std::move(id), index};
}

void ResponsesEncoder::take(const anthropic::MessageStart& start, std::string& out) {
  if (phase_ == Phase::kBeforeStart)
    state_.service_tier = service_tier_of(start.service_tier.escaped, start.fast);
  end_text_block(out);
  block_ = OpenBlock::kNone;
  asking_ = nullptr;
  stop_reason_.clear();
  tokens_.begin_message();
  tokens_.take(start.tokens);
  ensure_begun(out);
}

void ResponsesEncoder::take(const anthropic::BlockStart& start, std::string& out) {
  ensure_begun(out);
  end_text_block(out);
  asking_ = nullptr;
  if (plan_.responses.compacts) {  // of a summary only the words are told, at its end
    block_ = start.kind == BlockKind::kText ? OpenBlock::kText : OpenBlock::kOther;
    return take(anthropic::TextDelta{start.text}, out);
  }
  if (start.kind == BlockKind::kText) {
    if (!std::holds_alternative<MessageItem>(item_)) close_item(ItemStatus::kCompleted, out);
    block_ = OpenBlock::kText;
    if (auto* open = std::get_if<MessageItem>(&item_)) open->begin_block();
    return take(anthropic::TextDelta{start.text}, out);
  }
  block_ = OpenBlock::kOther;
  close_item(ItemStatus::kCompleted, out);
  switch (start.kind) {
    case BlockKind::kThinking:
    case BlockKind::kRedactedThinking: return open_reasoning(start, out);
    case BlockKind::kToolUse: return open_call(start, out);
    case BlockKind::kServerToolUse: return open_search(start, out);
    case BlockKind::kWebSearchResult: return take_search_result(start.raw, out);
    default: return;
  }
}

// Opened with its first word: an item without any would be an empty block when it came back.
MessageItem& ResponsesEncoder::message(std::string& out) {
  if (auto* open = std::get_if<MessageItem>(&item_)) return *open;
  auto& opened =
      item_.emplace<MessageItem>(new_place(kMessagePrefix), plan_.strips_fence, plan_.wants_json);
  opened.open(events_, out);
  opened.begin_block();
  return opened;
}

void ResponsesEncoder::open_reasoning(const anthropic::BlockStart& start, std::string& out) {
  auto& opened = item_.emplace<ReasoningItem>(new_place("rs"), plan_.show_reasoning);
  opened.open(events_, out);
  if (start.kind == BlockKind::kRedactedThinking) return opened.redact(start.raw);
  opened.emit(start.text.escaped, events_, out);
  opened.sign(start.signature.escaped);
}

void ResponsesEncoder::open_call(const anthropic::BlockStart& start, std::string& out) {
  const ToolName* tool = tools_.find(start.name.escaped);
  CallStart call{.id = std::string(start.id.escaped), .name = std::string(start.name.escaped)};
  if (tool != nullptr) {
    call.name = escaped_text(tool->client);
    call.tool_namespace = escaped_text(tool->tool_namespace);
    call.shape = tool->shape;
  }
  if (start.has_input()) json::append_compact(call.input, start.input);
  const bool is_custom = call.shape == ToolShape::kCustom;
  item_.emplace<CallItem>(new_place(is_custom ? "ctc" : "fc"), std::move(call)).open(events_, out);
}

void ResponsesEncoder::open_search(const anthropic::BlockStart& start, std::string& out) {
  if (start.name.escaped != "web_search") return;
  ItemRef place = new_place("ws");
  const std::size_t index = place.index;
  search_of_use_.try_emplace(std::string(start.id.escaped), index);
  asking_ =
      &searches_.try_emplace(index, std::move(place), plan_.responses.shows_sources).first->second;
  asking_->open(events_, out);
}

void ResponsesEncoder::take_search_result(std::string_view block, std::string& out) {
  json::Outline outline;
  if (!outline.read(block)) return;
  const auto use = search_of_use_.find(std::string(outline.root()["tool_use_id"].text().escaped));
  if (use == search_of_use_.end()) return;
  const auto search = searches_.find(use->second);
  search->second.take_result(outline.root(), events_, out);
  items_[search->first].json = search->second.take();
  searches_.erase(search);
  search_of_use_.erase(use);
}

void ResponsesEncoder::take(const anthropic::TextDelta& delta, std::string& out) {
  if (block_ != OpenBlock::kText || delta.text.empty()) return;
  if (plan_.responses.compacts) return json::append_decoded(summary_, delta.text);
  message(out).emit_text(delta.text.escaped, events_, out);
}

void ResponsesEncoder::take(const anthropic::ThinkingDelta& delta, std::string& out) {
  if (auto* open = std::get_if<ReasoningItem>(&item_)) open->emit(delta.text.escaped, events_, out);
}

void ResponsesEncoder::take(const anthropic::SignatureDelta& delta, std::string&) {
  if (auto* open = std::get_if<ReasoningItem>(&item_)) open->sign(delta.signature.escaped);
}

void ResponsesEncoder::take(const anthropic::InputJsonDelta& delta, std::string& out) {
  if (asking_ != nullptr) return asking_->take_input(delta.partial);
  if (block_ != OpenBlock::kOther) return;
  if (auto* open = std::get_if<CallItem>(&item_)) open->emit(delta.partial.escaped, events_, out);
}

void ResponsesEncoder::take(const anthropic::CitationDelta& delta, std::string& out) {
  if (block_ != OpenBlock::kText || plan_.responses.compacts) return;
  if (!message(out).cite(delta)) ignore("citations");
}

void ResponsesEncoder::take(const anthropic::BlockStop&, std::string& out) {
  end_text_block(out);
  if (asking_ != nullptr) asking_->end_input(events_, out);
  if (std::holds_alternative<ReasoningItem>(item_)) close_item(ItemStatus::kCompleted, out);
  asking_ = nullptr;
  block_ = OpenBlock::kNone;
  ++blocks_;
}

void ResponsesEncoder::end_text_block(std::string& out) {
  if (block_ != OpenBlock::kText) return;
  if (auto* open = std::get_if<MessageItem>(&item_)) open->end_block(events_, out);
}

void ResponsesEncoder::take(const anthropic::MessageDelta& delta, std::string& out) {
  ensure_begun(out);
  tokens_.take(delta.tokens);
  if (delta.stop_reason.empty()) return;
  stop_reason_ = delta.stop_reason.escaped;
  category_ = delta.category.escaped;
  explanation_ = delta.explanation.escaped;
  // Only now it is known whether a call was cut.
  if (std::holds_alternative<CallItem>(item_))
    close_item(is_cut(stop_reason_) ? ItemStatus::kIncomplete : ItemStatus::kCompleted, out);
}

void ResponsesEncoder::take(const anthropic::MessageStop&, std::string& out) {
  ensure_begun(out);
  phase_ = Phase::kStopped;
}

void ResponsesEncoder::take(const anthropic::Ping&, std::string& out) {
  if (plan_.stream && phase_ != Phase::kBeforeStart) out += kKeepAlive;
}

void ResponsesEncoder::close_item(ItemStatus status, std::string& out) {
  if (auto* open = std::get_if<MessageItem>(&item_)) {
    open->close(status, events_, out);
    items_[open->index()].json = open->take();
  } else if (auto* thought = std::get_if<ReasoningItem>(&item_)) {
    thought->close({plan_.responses.family, plan_.responses.account}, events_, out);
    items_[thought->index()].json = thought->take();
  } else if (auto* call = std::get_if<CallItem>(&item_)) {
    call->close(status, events_, out);
    items_[call->index()].json = call->take();
  }
  item_ = NoItem{};
}

void ResponsesEncoder::close_all(ItemStatus status, std::string& out) {
  end_text_block(out);
  close_item(status, out);
  for (auto& [index, search] : searches_) {
    search.give_up(events_, out);
    items_[index].json = search.take();
  }
  searches_.clear();
  search_of_use_.clear();
}

void ResponsesEncoder::finish(std::string& out) {
  if (phase_ == Phase::kOver) return;
  if (phase_ != Phase::kStopped || stop_reason_.empty())
    return fail({ErrorKind::kUpstreamBroke, "the upstream ended its answer before it was complete"},
                out);
  const bool cut = is_cut(stop_reason_) && !plan_.responses.is_prewarm;
  if (plan_.responses.compacts && !cut && stop_reason_ != "refusal") emit_summary(out);
  const bool is_refused = stop_reason_ == "refusal";
  const bool refusal_is_incomplete =
      is_refused && plan_.responses.refusal_style == RefusalStyle::kIncomplete;
  if (is_refused && !refusal_is_incomplete) emit_refusal(out);
  close_all(cut ? ItemStatus::kIncomplete : ItemStatus::kCompleted, out);
  if (!cut && !refusal_is_incomplete) return end(ResponseStatus::kCompleted, "completed", out);
  state_.incomplete_reason = cut ? "max_output_tokens" : "content_filter";
  end(ResponseStatus::kIncomplete, "incomplete", out);
}

// A client that asked for a summary expects exactly this one item.
void ResponsesEncoder::emit_summary(std::string& out) {
  const ItemRef place = new_place("cmp");
  const std::string json = R"({"id":")" + place.id +
                           R"(","type":"compaction","encrypted_content":")" +
                           seal_summary(summary_) + "\"}";
  events_.add("output_item.added", {place.whole(), json}, out);
  events_.add("output_item.done", {place.whole(), json}, out);
  items_[place.index].json = json;
}

// Messages that are complete were told as JSON, and what they say is no answer any more.
void ResponsesEncoder::take_back_texts() {
  for (EmittedItem& item : items_)
    if (item.id.starts_with(kMessagePrefix) && !item.json.empty())
      item.json = refused_message(item.json);
}

// Behind the text that is open, or in a message of its own.
void ResponsesEncoder::emit_refusal(std::string& out) {
  end_text_block(out);
  if (!std::holds_alternative<MessageItem>(item_)) close_item(ItemStatus::kCompleted, out);
  const std::string text = refusal_text(explanation_, category_);
  if (plan_.responses.refusal_style == RefusalStyle::kPart) {
    if (plan_.wants_json) take_back_texts();
    return message(out).emit_refusal(text, events_, out);
  }
  const bool has_text = std::holds_alternative<MessageItem>(item_);
  if (has_text) message(out).emit_text("\\n\\n", events_, out);
  message(out).emit_text(text, events_, out);
}

void ResponsesEncoder::end(ResponseStatus status, std::string_view event, std::string& out) {
  state_.status = status;
  state_.completed = now_();
  state_.tokens = tokens_.sum();
  emit_end(event, out);
  if (!plan_.stream) out = object();
}

void ResponsesEncoder::emit_end(std::string_view event, std::string& out) {
  phase_ = Phase::kOver;
  end_event_ = event;
  if (events_.are_heard()) events_.end(event, {R"(,"response":)", object()}, out);
}

void ResponsesEncoder::take_back(std::string& out) {
  if (phase_ != Phase::kOver || is_lost_) return;
  is_lost_ = true;
  lost_echo_ = not_stored(plan_.responses.echo);
  emit_end(end_event_, out);
  if (!plan_.stream && status_ == status::kOk) out = object();
}

void ResponsesEncoder::cancel(std::string& out) {
  if (phase_ == Phase::kOver) return;
  ensure_begun(out);
  close_all(ItemStatus::kIncomplete, out);
  end(ResponseStatus::kCancelled, "incomplete", out);
}

void ResponsesEncoder::fail(const Error& error, std::string& out) {
  if (phase_ == Phase::kOver) return;
  status_ = status_of(Dialect::kResponses, error);
  const ResponseFailure failure = response_failure(error);
  fail_with(failure.code, failure.message, out);
  if (!plan_.stream) out = error_body(Dialect::kResponses, error, "");
}

void ResponsesEncoder::take(const anthropic::Failure& failure, std::string& out) {
  const ErrorReply reply = openai_error(Dialect::kResponses, failure);
  status_ = reply.status;
  const ResponseFailure told = response_failure(failure);
  fail_with(told.code, told.message, out);
  if (!plan_.stream) out = reply.body;
}

// Items that are open stay open: nothing that is not complete is told as if it were.
void ResponsesEncoder::fail_with(std::string_view code, std::string_view message,
                                 std::string& out) {
  ensure_begun(out);
  state_.status = ResponseStatus::kFailed;
  state_.error = response_error(code, message);
  if (stop_reason_.empty() && tokens_.sum().output == 0)
    state_.tokens.reset();
  else
    state_.tokens = tokens_.sum();
  emit_end("failed", out);
}

}  // namespace ccproxy::dialect
