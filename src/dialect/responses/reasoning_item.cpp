#include "dialect/responses/reasoning_item.hpp"

namespace ccproxy::dialect {

void ReasoningItem::open(ResponseEvents& events, std::string& out) {
  events.add("output_item.added",
             {place_.whole(), R"({"id":")", place_.id, R"(","type":"reasoning","summary":[]})"},
             out);
}

void ReasoningItem::emit(std::string_view escaped, ResponseEvents& events, std::string& out) {
  if (escaped.empty()) return;
  thinking_ += escaped;
  if (!shows_) return;
  if (at_summary_.empty()) {
    at_summary_ = place_.reference() + R"(,"summary_index":0)";
    events.add("reasoning_summary_part.added",
               {at_summary_, R"(,"part":{"type":"summary_text","text":""})"}, out);
  }
  events.add("reasoning_summary_text.delta", {at_summary_, R"(,"delta":")", escaped, "\""}, out);
}

void ReasoningItem::close_summary(bool is_whole, ResponseEvents& events, std::string& out) {
  events.add("reasoning_summary_text.done", {at_summary_, R"(,"text":")", thinking_, "\""}, out);
  events.add("reasoning_summary_part.done",
             {at_summary_, R"(,"part":{"type":"summary_text","text":")", thinking_, "\"}",
              is_whole ? "" : R"(,"status":"incomplete")"},
             out);
}

// Thinking that was cut before its signature can never go up again, so it is not sealed.
void ReasoningItem::close(const ThoughtOwner& owner, ResponseEvents& events, std::string& out) {
  const bool is_whole = !signature_.empty() || !redacted_.empty();
  json_ = R"({"id":")" + place_.id + R"(","type":"reasoning","summary":[)";
  if (!at_summary_.empty()) {
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
  events.add("output_item.done", {place_.whole(), json_}, out);
}

}  // namespace ccproxy::dialect
