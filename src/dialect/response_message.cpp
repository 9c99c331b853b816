#include "dialect/response_message.hpp"

#include "json/text.hpp"

namespace ccproxy::dialect {

void MessageItem::open(ResponseEvents& events, std::string& out) {
  events.add("output_item.added",
             {place_.whole(), R"({"id":")", place_.id,
              R"(","type":"message","status":"in_progress","role":"assistant","content":[]})"},
             out);
}

// Members that name a part of the content.
std::string MessageItem::part(int number) const {
  return place_.reference() + R"(,"content_index":)" + std::to_string(number);
}

void MessageItem::open_text(ResponseEvents& events, std::string& out) {
  has_text_ = true;
  at_text_ = part(parts_);
  events.add(
      "content_part.added",
      {at_text_, R"(,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]})"},
      out);
}

void MessageItem::tell_text(std::string_view escaped, ResponseEvents& events, std::string& out) {
  if (escaped.empty()) return;
  if (!strips_fence_) return pass_text(escaped, events, out);
  escaped_.clear();
  json::append_decoded(escaped_, {escaped});
  plain_.clear();
  fence_.feed(escaped_, plain_);
  pass_unfenced(events, out);
}

void MessageItem::pass_unfenced(ResponseEvents& events, std::string& out) {
  escaped_.clear();
  json::append_escaped(escaped_, plain_);
  pass_text(escaped_, events, out);
}

void MessageItem::pass_text(std::string_view escaped, ResponseEvents& events, std::string& out) {
  if (escaped.empty()) return;
  if (!has_text_) open_text(events, out);
  text_ += escaped;
  position_ += json::code_points({escaped});
  events.add("output_text.delta", {at_text_, R"(,"delta":")", escaped, R"(","logprobs":[])"}, out);
}

void MessageItem::end_block(ResponseEvents& events, std::string& out) {
  std::size_t number = citations_.all().size();
  for (const Citation& citation : citations_.end_block(position_)) {
    if (!has_text_) open_text(events, out);
    std::string annotation;
    append_annotation(annotation, citation);
    events.add("output_text.annotation.added",
               {at_text_, R"(,"annotation_index":)", std::to_string(number++), R"(,"annotation":)",
                annotation},
               out);
  }
}

void MessageItem::close_text(ResponseEvents& events, std::string& out) {
  if (strips_fence_) {
    plain_.clear();
    fence_.finish(plain_);
    pass_unfenced(events, out);
  }
  if (!has_text_) return;
  has_text_ = false;
  events.add("output_text.done", {at_text_, R"(,"text":")", text_, R"(","logprobs":[])"}, out);
  std::string json = R"({"type":"output_text","text":")" + text_ + R"(","annotations":)";
  append_annotations(json, citations_);
  json += R"(,"logprobs":[]})";
  events.add("content_part.done", {at_text_, R"(,"part":)", json}, out);
  content_ += json;
  ++parts_;
}

void MessageItem::tell_refusal(std::string_view escaped, ResponseEvents& events, std::string& out) {
  close_text(events, out);
  const std::string at = part(parts_++);
  const std::string json = R"({"type":"refusal","refusal":")" + std::string(escaped) + R"("})";
  events.add("content_part.added", {at, R"(,"part":{"type":"refusal","refusal":""})"}, out);
  events.add("refusal.delta", {at, R"(,"delta":")", escaped, "\""}, out);
  events.add("refusal.done", {at, R"(,"refusal":")", escaped, "\""}, out);
  events.add("content_part.done", {at, R"(,"part":)", json}, out);
  if (!content_.empty()) content_ += ',';
  content_ += json;
}

void MessageItem::close(ItemStatus status, ResponseEvents& events, std::string& out) {
  close_text(events, out);
  json_.append(R"({"id":")").append(place_.id).append(R"(","type":"message","status":")");
  json_.append(status_name(status)).append(R"(","role":"assistant","content":[)");
  json_.append(content_).append("]}");
  events.add("output_item.done", {place_.whole(), json_}, out);
}

}  // namespace ccproxy::dialect
