// What an answer of Anthropic's means in Responses: which blocks are which items, in which order
// their events come, how the response ends (rules B.4, B.5). Streamed and whole are one
// encoder: whoever does not stream is given the last response object.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "dialect/reply/reply_encoder.hpp"
#include "dialect/reply_plan.hpp"
#include "dialect/responses/call_item.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/message_item.hpp"
#include "dialect/responses/object.hpp"
#include "dialect/responses/reasoning_item.hpp"
#include "dialect/responses/search_item.hpp"

namespace ccproxy::dialect {

// An item that is complete, and where its blocks begin among those of the answer that are complete.
// An item that still has to wait for its end has no JSON yet.
struct EmittedItem {
  std::string id;
  std::string json{};
  std::size_t first_block = 0;
};

class ResponsesEncoder final : public ReplyEncoder {
 public:
  // `plan` must outlive it, and so must `log`, which may be nullptr. `now` tells the seconds since
  // 1970.
  ResponsesEncoder(const ReplyPlan& plan, ReplyIdentity identity, EventLog* log,
                   std::function<std::int64_t()> now);

  // Begins before upstream was asked: of a response in the background.
  void queue(std::string& out);
  // Upstream has taken it: it runs. Else its first event tells that.
  void begin(std::string& out) { ensure_begun(out); }
  // Ends it because the client wanted that.
  void cancel(std::string& out);
  // It has ended, and could not be kept: says so, where it said that it is stored. `out` is what it
  // was after the end.
  void take_back(std::string& out);

  void on(const anthropic::MessageEvent& event, std::string& out) override;
  void finish(std::string& out) override;
  void fail(const Error& error, std::string& out) override;
  [[nodiscard]] bool paused() const override { return stop_reason_ == "pause_turn"; }
  [[nodiscard]] Tokens tokens() const override { return tokens_.sum(); }
  [[nodiscard]] std::string_view stop_reason() const override { return stop_reason_; }
  [[nodiscard]] int status() const override { return status_; }
  [[nodiscard]] std::size_t weight() const override { return plan_.responses.weight(); }

  // The response as it stands: JSON, and its status.
  [[nodiscard]] std::string object() const;
  [[nodiscard]] ResponseStatus response_status() const { return state_.status; }
  // The output so far; items that are not complete are left out at the end.
  [[nodiscard]] const std::vector<EmittedItem>& items() const { return items_; }

 private:
  enum class Phase { kBeforeStart, kBegun, kStopped, kOver };
  struct NoItem {};
  // Which block is open, as far as it is not plain from the item.
  enum class OpenBlock { kNone, kText, kOther };

  void take(const anthropic::MessageStart& start, std::string& out);
  void take(const anthropic::BlockStart& start, std::string& out);
  void take(const anthropic::TextDelta& delta, std::string& out);
  void take(const anthropic::ThinkingDelta& delta, std::string& out);
  void take(const anthropic::SignatureDelta& delta, std::string& out);
  void take(const anthropic::InputJsonDelta& delta, std::string& out);
  void take(const anthropic::CitationDelta& delta, std::string& out);
  void take(const anthropic::BlockStop& stop, std::string& out);
  void take(const anthropic::MessageDelta& delta, std::string& out);
  void take(const anthropic::MessageStop& stop, std::string& out);
  void take(const anthropic::Ping& ping, std::string& out);
  void take(const anthropic::Failure& failure, std::string& out);
  void take(const anthropic::OtherDelta&, std::string&) {}
  void take(const anthropic::Unknown&, std::string&) {}

  void ensure_begun(std::string& out);
  void emit_state(std::string_view event, std::string& out);
  void emit_end(std::string_view event, std::string& out);
  [[nodiscard]] ItemRef new_place(std::string_view prefix);
  MessageItem& message(std::string& out);
  void open_call(const anthropic::BlockStart& start, std::string& out);
  void open_reasoning(const anthropic::BlockStart& start, std::string& out);
  void open_search(const anthropic::BlockStart& start, std::string& out);
  void take_search_result(std::string_view block, std::string& out);
  void emit_summary(std::string& out);
  void end_text_block(std::string& out);
  void close_item(ItemStatus status, std::string& out);
  void close_all(ItemStatus status, std::string& out);
  void emit_refusal(std::string& out);
  void take_back_texts();
  void end(ResponseStatus status, std::string_view event, std::string& out);
  void fail_with(std::string_view code, std::string_view message, std::string& out);

  const ReplyPlan& plan_;
  ToolsByName tools_;
  ResponseEvents events_;
  std::function<std::int64_t()> now_;
  std::string key_;  // of all ids
  ResponseState state_;
  Phase phase_ = Phase::kBeforeStart;
  bool is_queued_ = false;
  std::variant<NoItem, MessageItem, ReasoningItem, CallItem> item_;
  // Searches that wait for their result, by their place in the output, and that by their use.
  std::map<std::size_t, SearchItem> searches_;
  std::unordered_map<std::string, std::size_t> search_of_use_;
  SearchItem* asking_ = nullptr;  // the search whose input the open block brings
  std::vector<EmittedItem> items_;
  OpenBlock block_ = OpenBlock::kNone;
  std::size_t blocks_ = 0;  // that are complete
  int status_ = 200;
  bool is_lost_ = false;          // it was to be kept and could not be
  std::string lost_echo_;         // then in place of the plan's
  std::string_view end_event_{};  // the name of the last event, a constant
  ReplyUsage tokens_;
  std::string stop_reason_, category_, explanation_;
  std::string summary_;  // decoded, of an answer that sums the conversation up
};

}  // namespace ccproxy::dialect
