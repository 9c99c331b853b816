#include "dialect/responses/encoder.hpp"

#include <algorithm>
#include <utility>

#include "dialect/error.hpp"
#include "dialect/reply/openai_error.hpp"
#include "dialect/responses/echo.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using anthropic::BlockKind;

constexpr std::string_view kPrefix = "resp_";  // of the id of a response, before its key
constexpr std::string_view kMessagePrefix = "msg";
// Bytes of a response object beside its output and what it echoes of the request.
constexpr std::size_t kMaxStateBytes = 1024;

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
    : ReplyEncoder(plan),
      events_(plan.stream, log),
      now_(std::move(now)),
      key_(identity.id.substr(kPrefix.size())) {
  response_.id = std::move(identity.id);
  response_.created = identity.created;
  response_.model = plan.model;
}

void ResponsesEncoder::on(const anthropic::MessageEvent& event, std::string& out) {
  dispatch(event, [&](const auto& one) { take(one, out); });
}

std::string ResponsesEncoder::object() const {
  std::string output, json;
  for (const EmittedItem& item : items_) {
    if (item.json.empty()) continue;
    if (!output.empty()) output += ',';
    output += item.json;
  }
  json.reserve(output.size() + echoed_bytes() + kMaxStateBytes);
  if (plan().responses.is_compaction && response_.status == ResponseStatus::kCompleted)
    append_compaction(json, response_, plan().responses.retained, output);
  else
    append_response(json, response_, output, is_lost_ ? lost_echo_ : plan().responses.echo);
  return json;
}

void ResponsesEncoder::emit_state(std::string_view event, std::string& out) {
  if (events_.are_needed()) events_.add(event, {R"(,"response":)", object()}, out);
}

void ResponsesEncoder::queue(std::string& out) {
  response_.status = ResponseStatus::kQueued;
  is_queued_ = true;
  emit_state("created", out);
  emit_state("queued", out);
}

void ResponsesEncoder::ensure_begun(std::string& out) {
  if (!reply().begin()) return;
  response_.status = ResponseStatus::kInProgress;
  if (!is_queued_) emit_state("created", out);
  emit_state("in_progress", out);
}

ItemRef ResponsesEncoder::add_item(std::string_view prefix) {
  const std::size_t index = items_.size();
  std::string id(prefix);
  id.append("_").append(key_).append("_").append(std::to_string(index));
  items_.push_back({.id = id, .first_block = blocks_});
  return {std::move(id), index};
}

void ResponsesEncoder::take(const anthropic::MessageStart& start, std::string& out) {
  end_text_block(out);
  block_ = OpenBlock::kNone;
  current_search_ = nullptr;
  reply().start(start);
  response_.service_tier = reply().service_tier();
  ensure_begun(out);
}

void ResponsesEncoder::take(const anthropic::BlockStart& start, std::string& out) {
  ensure_begun(out);
  end_text_block(out);
  current_search_ = nullptr;
  if (plan().responses.compacts) {  // the text becomes one item at the end, nothing else does
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

// Opens a message with its first text, since a message without any would come back as an empty
// block.
MessageItem& ResponsesEncoder::message(std::string& out) {
  if (auto* open = std::get_if<MessageItem>(&item_)) return *open;
  auto& opened =
      item_.emplace<MessageItem>(add_item(kMessagePrefix), plan().strips_fence, plan().wants_json);
  opened.open(events_, out);
  opened.begin_block();
  return opened;
}

void ResponsesEncoder::open_reasoning(const anthropic::BlockStart& start, std::string& out) {
  auto& opened = item_.emplace<ReasoningItem>(add_item("rs"), plan().show_reasoning);
  opened.open(events_, out);
  if (start.kind == BlockKind::kRedactedThinking) return opened.redact(start.raw);
  opened.emit_text(start.text.escaped, events_, out);
  opened.sign(start.signature.escaped);
}

void ResponsesEncoder::open_call(const anthropic::BlockStart& start, std::string& out) {
  const ToolName* tool = reply().find_tool(start.name.escaped);
  CallStart call{.id = std::string(start.id.escaped), .name = std::string(start.name.escaped)};
  if (tool != nullptr) {
    call.name = escaped_text(tool->client);
    call.tool_namespace = escaped_text(tool->tool_namespace);
    call.shape = tool->shape;
  }
  if (start.has_input()) json::append_compact(call.input, start.input);
  const bool is_custom = call.shape == ToolShape::kCustom;
  item_.emplace<CallItem>(add_item(is_custom ? "ctc" : "fc"), std::move(call)).open(events_, out);
}

void ResponsesEncoder::open_search(const anthropic::BlockStart& start, std::string& out) {
  if (start.name.escaped != "web_search") return;
  ItemRef ref = add_item("ws");
  const std::size_t index = ref.index;
  search_of_use_.try_emplace(std::string(start.id.escaped), index);
  current_search_ =
      &searches_.try_emplace(index, std::move(ref), plan().responses.shows_sources).first->second;
  current_search_->open(events_, out);
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
  if (plan().responses.compacts) return json::append_decoded(summary_, delta.text);
  message(out).emit_text(delta.text.escaped, events_, out);
}

void ResponsesEncoder::take(const anthropic::ThinkingDelta& delta, std::string& out) {
  if (auto* open = std::get_if<ReasoningItem>(&item_))
    open->emit_text(delta.text.escaped, events_, out);
}

void ResponsesEncoder::take(const anthropic::SignatureDelta& delta, std::string&) {
  if (auto* open = std::get_if<ReasoningItem>(&item_)) open->sign(delta.signature.escaped);
}

void ResponsesEncoder::take(const anthropic::InputJsonDelta& delta, std::string& out) {
  if (current_search_ != nullptr) return current_search_->take_input(delta.partial);
  if (block_ != OpenBlock::kOther) return;
  if (auto* open = std::get_if<CallItem>(&item_))
    open->emit_input(delta.partial.escaped, events_, out);
}

void ResponsesEncoder::take(const anthropic::CitationDelta& delta, std::string& out) {
  if (block_ != OpenBlock::kText || plan().responses.compacts) return;
  if (!message(out).cite(delta)) ignore("citations");
}

void ResponsesEncoder::take(const anthropic::BlockStop&, std::string& out) {
  end_text_block(out);
  if (current_search_ != nullptr) current_search_->end_input(events_, out);
  if (std::holds_alternative<ReasoningItem>(item_)) close_item(ItemStatus::kCompleted, out);
  current_search_ = nullptr;
  block_ = OpenBlock::kNone;
  ++blocks_;
}

void ResponsesEncoder::end_text_block(std::string& out) {
  if (block_ != OpenBlock::kText) return;
  if (auto* open = std::get_if<MessageItem>(&item_)) open->end_block(events_, out);
}

void ResponsesEncoder::take(const anthropic::MessageDelta& delta, std::string& out) {
  ensure_begun(out);
  reply().take(delta);
  if (delta.stop_reason.empty()) return;
  // A call stays open until here, since the stop reason says whether it was cut.
  if (std::holds_alternative<CallItem>(item_))
    close_item(is_cut(delta.stop_reason.escaped) ? ItemStatus::kIncomplete : ItemStatus::kCompleted,
               out);
}

void ResponsesEncoder::take(const anthropic::MessageStop&, std::string& out) {
  ensure_begun(out);
  reply().stop();
}

void ResponsesEncoder::take(const anthropic::Ping&, std::string& out) {
  if (plan().stream && reply().has_begun()) out += kKeepAlive;
}

void ResponsesEncoder::close_item(ItemStatus status, std::string& out) {
  if (auto* open = std::get_if<MessageItem>(&item_)) {
    open->close(status, events_, out);
    items_[open->index()].json = open->take();
  } else if (auto* thought = std::get_if<ReasoningItem>(&item_)) {
    thought->close({plan().responses.family, plan().responses.account}, events_, out);
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

void ResponsesEncoder::complete(std::string& out) {
  const bool cut = is_cut(reply().stop_reason()) && !plan().responses.is_prewarm;
  const bool is_refused = reply().is_refused();
  if (plan().responses.compacts && !cut && !is_refused) emit_summary(out);
  const bool refusal_is_incomplete =
      is_refused && plan().responses.refusal_style == RefusalStyle::kIncomplete;
  if (is_refused && !refusal_is_incomplete) emit_refusal(out);
  close_all(cut ? ItemStatus::kIncomplete : ItemStatus::kCompleted, out);
  if (!cut && !refusal_is_incomplete) return end(ResponseStatus::kCompleted, "completed", out);
  response_.incomplete_reason = cut ? "max_output_tokens" : "content_filter";
  end(ResponseStatus::kIncomplete, "incomplete", out);
}

// A client that asked for a compaction expects exactly this one item.
void ResponsesEncoder::emit_summary(std::string& out) {
  const ItemRef ref = add_item("cmp");
  const std::string json = R"({"id":")" + ref.id +
                           R"(","type":"compaction","encrypted_content":")" +
                           encode_summary(summary_) + "\"}";
  events_.add("output_item.added", {ref.item_member(), json}, out);
  events_.add("output_item.done", {ref.item_member(), json}, out);
  items_[ref.index].json = json;
}

// The text of complete messages was written as JSON for the client to parse. The refusal makes it
// worthless, so the object at the end has it as refusals.
void ResponsesEncoder::turn_texts_into_refusals() {
  for (EmittedItem& item : items_)
    if (item.id.starts_with(kMessagePrefix) && !item.json.empty())
      item.json = refused_message(item.json);
}

// The refusal follows the text of the open message, or stands in a message of its own.
void ResponsesEncoder::emit_refusal(std::string& out) {
  end_text_block(out);
  if (!std::holds_alternative<MessageItem>(item_)) close_item(ItemStatus::kCompleted, out);
  const std::string text = reply().refusal();
  if (plan().responses.refusal_style == RefusalStyle::kPart) {
    if (plan().wants_json) turn_texts_into_refusals();
    return message(out).emit_refusal(text, events_, out);
  }
  const bool has_text = std::holds_alternative<MessageItem>(item_);
  if (has_text) message(out).emit_text("\\n\\n", events_, out);
  message(out).emit_text(text, events_, out);
}

void ResponsesEncoder::end(ResponseStatus status, std::string_view event, std::string& out) {
  response_.status = status;
  response_.completed = now_();
  response_.tokens = reply().tokens();
  reply().end();
  emit_end(event, out);
  if (!plan().stream) out = object();
}

void ResponsesEncoder::emit_end(std::string_view event, std::string& out) {
  end_event_ = event;
  if (events_.are_needed()) events_.end(event, {R"(,"response":)", object()}, out);
}

void ResponsesEncoder::mark_not_stored(std::string& out) {
  if (!reply().is_over() || is_lost_) return;
  is_lost_ = true;
  lost_echo_ = not_stored(plan().responses.echo);
  emit_end(end_event_, out);
  if (!plan().stream && !reply().has_failed()) out = object();
}

void ResponsesEncoder::cancel(std::string& out) {
  if (reply().is_over()) return;
  ensure_begun(out);
  close_all(ItemStatus::kIncomplete, out);
  end(ResponseStatus::kCancelled, "incomplete", out);
}

void ResponsesEncoder::end_with_error(const Error& error, std::string& out) {
  emit_failure(status_of(Dialect::kResponses, error), response_failure(error), out);
  if (!plan().stream) out = error_body(Dialect::kResponses, error, "");
}

void ResponsesEncoder::take(const anthropic::Failure& failure, std::string& out) {
  const ErrorReply error = openai_error(Dialect::kResponses, failure);
  emit_failure(error.status, response_failure(failure), out);
  if (!plan().stream) out = error.body;
}

// Items that are open stay open: the client must not take an incomplete one for complete.
void ResponsesEncoder::emit_failure(int status, const ResponseFailure& failure, std::string& out) {
  ensure_begun(out);
  response_.status = ResponseStatus::kFailed;
  response_.error = response_error(failure.code, failure.message);
  if (reply().stop_reason().empty() && reply().tokens().output == 0)
    response_.tokens.reset();
  else
    response_.tokens = reply().tokens();
  reply().fail(status);
  emit_end("failed", out);
}

}  // namespace ccproxy::dialect
