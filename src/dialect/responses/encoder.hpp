// What Anthropic's events mean in Responses: which blocks become which items, in which order their
// events come, and how the response ends (rules B.4, B.5). Streamed and whole replies have one
// encoder: a client that does not stream gets the last response object.
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
#include "dialect/responses/error.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/message_item.hpp"
#include "dialect/responses/object.hpp"
#include "dialect/responses/reasoning_item.hpp"
#include "dialect/responses/search_item.hpp"

namespace ccproxy::dialect {

// An item of the output.
struct EmittedItem {
  std::string id;
  std::string json{};           // empty until the item is complete
  std::size_t first_block = 0;  // counts the blocks of the response that are complete
};

class ResponsesEncoder final : public ReplyEncoder {
 public:
  // `plan` and `log` must outlive the encoder; `log` may be nullptr. `now` returns seconds since
  // 1970.
  ResponsesEncoder(const ReplyPlan& plan, ReplyIdentity identity, EventLog* log,
                   std::function<std::int64_t()> now);

  // Begins a response in the background, before its request has gone upstream.
  void queue(std::string& out);
  // Upstream has accepted the request. Without this call the first event begins the response.
  void begin(std::string& out) { ensure_begun(out); }
  // Ends the response because the client cancelled it.
  void cancel(std::string& out);
  // Replaces the end of a response that is over but could not be stored: its object now says
  // "store":false. `out` must hold what it held after the end.
  void mark_not_stored(std::string& out);

  void on(const anthropic::MessageEvent& event, std::string& out) override;
  [[nodiscard]] std::size_t echoed_bytes() const override {
    return plan().responses.echoed_bytes();
  }

  // The response object so far, as JSON, and its status.
  [[nodiscard]] std::string object() const;
  [[nodiscard]] ResponseStatus response_status() const { return response_.status; }
  // The output so far. At the end of a response that failed, items may be incomplete.
  [[nodiscard]] const std::vector<EmittedItem>& items() const { return items_; }

 private:
  struct NoItem {};
  // The block that is open, as far as the open item does not say it.
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

  void complete(std::string& out) override;
  void end_with_error(const Error& error, std::string& out) override;

  void ensure_begun(std::string& out);
  void emit_state(std::string_view event, std::string& out);
  void emit_end(std::string_view event, std::string& out);
  [[nodiscard]] ItemRef add_item(std::string_view prefix);
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
  void turn_texts_into_refusals();
  void end(ResponseStatus status, std::string_view event, std::string& out);
  void emit_failure(int status, const ResponseFailure& failure, std::string& out);

  ResponseEvents events_;
  std::function<std::int64_t()> now_;
  std::string key_;  // the part that all ids of the response share
  ResponseState response_;
  bool is_queued_ = false;
  std::variant<NoItem, MessageItem, ReasoningItem, CallItem> item_;  // the one that is open
  // The searches that wait for their result, by their index in the output; that index by the id of
  // the server_tool_use block.
  std::map<std::size_t, SearchItem> searches_;
  std::unordered_map<std::string, std::size_t> search_of_use_;
  SearchItem* current_search_ = nullptr;  // the search whose input the open block brings
  std::vector<EmittedItem> items_;
  OpenBlock block_ = OpenBlock::kNone;
  std::size_t blocks_ = 0;        // that are complete
  bool is_lost_ = false;          // the response could not be stored
  std::string lost_echo_;         // then used instead of the plan's echo
  std::string_view end_event_{};  // the name of the last event, a constant
  std::string summary_;           // decoded: the text of a compaction
};

}  // namespace ccproxy::dialect
