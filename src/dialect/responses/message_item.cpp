#include "dialect/responses/message_item.hpp"

#include <fmt/format.h>

#include "dialect/reply/openai_terms.hpp"
#include "json/outline.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {
namespace {

std::string refusal_part(std::string_view escaped) {
  return fmt::format(R"({{"type":"refusal","refusal":"{}"}})", escaped);
}

}  // namespace

void MessageItem::open(ResponseEvents& events, std::string& out) {
  events.add("output_item.added",
             {ref_.item_member(), R"({"id":")", ref_.id,
              R"(","type":"message","status":"in_progress","role":"assistant","content":[]})"},
             out);
}

// Returns the members that name a part of the content.
std::string MessageItem::part(int number) const {
  return ref_.reference() + R"(,"content_index":)" + std::to_string(number);
}

void MessageItem::open_text(ResponseEvents& events, std::string& out) {
  has_text_ = true;
  text_members_ = part(parts_);
  events.add(
      "content_part.added",
      {text_members_, R"(,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]})"},
      out);
}

void MessageItem::emit_text(std::string_view escaped, ResponseEvents& events, std::string& out) {
  pass_text(strips_fence_ ? fence_.feed(escaped) : escaped, events, out);
}

void MessageItem::pass_text(std::string_view escaped, ResponseEvents& events, std::string& out) {
  if (escaped.empty()) return;
  if (!has_text_) open_text(events, out);
  text_ += escaped;
  position_ += json::code_points({escaped});
  events.add("output_text.delta", {text_members_, R"(,"delta":")", escaped, R"(","logprobs":[])"},
             out);
}

void MessageItem::end_block(ResponseEvents& events, std::string& out) {
  std::size_t number = citations_.all().size();
  for (const Citation& citation : citations_.end_block(position_)) {
    if (!has_text_) open_text(events, out);
    std::string annotation;
    append_annotation(annotation, citation);
    events.add("output_text.annotation.added",
               {text_members_, R"(,"annotation_index":)", std::to_string(number++),
                R"(,"annotation":)", annotation},
               out);
  }
}

// Emits what the fence has held back: no more text comes.
void MessageItem::pass_held_text(ResponseEvents& events, std::string& out) {
  pass_text(fence_.finish(), events, out);
}

void MessageItem::close_text(ResponseEvents& events, std::string& out) {
  pass_held_text(events, out);
  if (!has_text_) return;
  has_text_ = false;
  events.add("output_text.done", {text_members_, R"(,"text":")", text_, R"(","logprobs":[])"}, out);
  std::string json = R"({"type":"output_text","text":")" + text_ + R"(","annotations":)";
  append_annotations(json, citations_);
  json += R"(,"logprobs":[]})";
  events.add("content_part.done", {text_members_, R"(,"part":)", json}, out);
  content_ += json;
  ++parts_;
}

// Ends the open text part as a refusal and returns its text, which is empty when no part is open.
// No output_text.done is emitted, because a client would then parse the text as JSON; the part's
// end as a refusal makes it treat the text as one.
std::string MessageItem::turn_into_refusal(ResponseEvents& events, std::string& out) {
  pass_held_text(events, out);
  if (!has_text_) return {};
  has_text_ = false;
  events.add("content_part.done", {text_members_, R"(,"part":)", refusal_part(text_)}, out);
  return std::move(text_);
}

void MessageItem::emit_refusal(std::string_view escaped, ResponseEvents& events, std::string& out) {
  const std::string begun = is_json_ ? turn_into_refusal(events, out) : "";
  if (begun.empty()) close_text(events, out);
  const std::string at = part(parts_++);
  const std::string whole = refusal_behind(begun, escaped);
  if (begun.empty())
    events.add("content_part.added", {at, R"(,"part":{"type":"refusal","refusal":""})"}, out);
  events.add("refusal.delta",
             {at, R"(,"delta":")", std::string_view(whole).substr(begun.size()), "\""}, out);
  events.add("refusal.done", {at, R"(,"refusal":")", whole, "\""}, out);
  const std::string json = refusal_part(whole);
  events.add("content_part.done", {at, R"(,"part":)", json}, out);
  if (!content_.empty()) content_ += ',';
  content_ += json;
}

void MessageItem::close(ItemStatus status, ResponseEvents& events, std::string& out) {
  close_text(events, out);
  json_.append(R"({"id":")").append(ref_.id).append(R"(","type":"message","status":")");
  json_.append(status_name(status)).append(R"(","role":"assistant","content":[)");
  json_.append(content_).append("]}");
  events.add("output_item.done", {ref_.item_member(), json_}, out);
}

std::string refused_message(std::string_view message) {
  json::Outline outline;
  if (!outline.read(message, 4)) return std::string(message);
  std::string out;
  json::Writer writer(out);
  writer.begin_object();
  for (const json::Value member : outline.root().children()) {
    writer.key(member.name());
    if (member.name() != "content") {
      writer.raw(member.raw());
      continue;
    }
    writer.begin_array();
    for (const json::Value part : member.children())
      writer.raw(refusal_part(part["text"].text().escaped));
    writer.end_array();
  }
  writer.end_object();
  return out;
}

}  // namespace ccproxy::dialect
