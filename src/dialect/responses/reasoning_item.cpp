#include "dialect/responses/reasoning_item.hpp"

namespace ccproxy::dialect {

void ReasoningItem::open(ResponseEvents& events, std::string& out) {
  events.add("output_item.added",
             {ref_.item_member(), R"({"id":")", ref_.id, R"(","type":"reasoning","summary":[]})"},
             out);
}

void ReasoningItem::emit_text(std::string_view escaped, ResponseEvents& events, std::string& out) {
  if (escaped.empty()) return;
  thinking_ += escaped;
  if (!shows_summary_) return;
  if (summary_members_.empty()) {
    summary_members_ = ref_.reference() + R"(,"summary_index":0)";
    events.add("reasoning_summary_part.added",
               {summary_members_, R"(,"part":{"type":"summary_text","text":""})"}, out);
  }
  events.add("reasoning_summary_text.delta", {summary_members_, R"(,"delta":")", escaped, "\""},
             out);
}

void ReasoningItem::close_summary(bool is_whole, ResponseEvents& events, std::string& out) {
  events.add("reasoning_summary_text.done", {summary_members_, R"(,"text":")", thinking_, "\""},
             out);
  events.add("reasoning_summary_part.done",
             {summary_members_, R"(,"part":{"type":"summary_text","text":")", thinking_, "\"}",
              is_whole ? "" : R"(,"status":"incomplete")"},
             out);
}

// Upstream refuses thinking without a signature, so thinking that was cut before it is not encoded.
void ReasoningItem::close(const ThinkingOwner& owner, ResponseEvents& events, std::string& out) {
  const bool is_whole = !signature_.empty() || !redacted_.empty();
  json_ = R"({"id":")" + ref_.id + R"(","type":"reasoning","summary":[)";
  if (!summary_members_.empty()) {
    close_summary(is_whole, events, out);
    json_.append(R"({"type":"summary_text","text":")").append(thinking_).append("\"}");
  }
  json_ += ']';
  if (is_whole) {
    const std::string block = redacted_.empty() ? R"({"type":"thinking","thinking":")" + thinking_ +
                                                      R"(","signature":")" + signature_ + "\"}"
                                                : redacted_;
    json_.append(R"(,"encrypted_content":")").append(encode_reasoning(block, owner)).append("\"");
  }
  json_ += '}';
  events.add("output_item.done", {ref_.item_member(), json_}, out);
}

}  // namespace ccproxy::dialect
