#include "anthropic/whole_text.hpp"

#include <functional>
#include <type_traits>
#include <variant>

namespace ccproxy::anthropic {
namespace {

constexpr std::size_t kEscape = 6;  // \uXXXX

// Nearly all text has none: looked at before anything is copied.
bool may_have_half(std::string_view json) {
  return json::find_half(json) != std::string_view::npos;
}

// True when the text ends in the first half of a pair, which the next delta may complete.
bool ends_in_first_half(std::string_view escaped) {
  if (escaped.size() < kEscape) return false;
  const std::string_view last = escaped.substr(escaped.size() - kEscape);
  const bool is_first = (last.starts_with("\\ud") || last.starts_with("\\uD")) &&
                        std::string_view("89abAB").find(last[3]) != std::string_view::npos;
  if (!is_first) return false;
  const std::string_view before = escaped.substr(0, escaped.size() - kEscape);
  const auto other = before.find_last_not_of('\\');
  const std::size_t backslashes = before.size() - (other == std::string_view::npos ? 0 : other + 1);
  return backslashes % 2 == 0;  // else it is the backslash that is escaped
}

// A view of `copy` in place of one of `from`, which it is a copy of.
std::string_view moved(std::string_view view, std::string_view from, const std::string& copy) {
  if (std::less<>()(view.data(), from.data()) ||
      std::less<>()(from.data() + from.size(), view.data() + view.size()))
    return view;
  return std::string_view(copy).substr(static_cast<std::size_t>(view.data() - from.data()),
                                       view.size());
}

}  // namespace

void WholeText::pass(const MessageEvent& event, Tell emit) {
  if (const auto* text = std::get_if<TextDelta>(&event))
    return pass_delta(Kind::kText, text->text, event, emit);
  if (const auto* thought = std::get_if<ThinkingDelta>(&event))
    return pass_delta(Kind::kThinking, thought->text, event, emit);
  if (const auto* input = std::get_if<InputJsonDelta>(&event))
    return pass_delta(Kind::kInput, input->partial, event, emit);
  if (std::holds_alternative<Ping>(event)) return emit(event);
  flush(emit);
  if (!pass_mended(event, emit)) emit(event);
}

void WholeText::pass_delta(Kind kind, JsonText text, const MessageEvent& event, Tell emit) {
  if (kind != kind_) flush(emit);
  if (half_.empty() && !may_have_half(text.escaped)) return emit(event);
  text_ = half_;
  text_ += text.escaped;
  half_.clear();
  kind_ = kind;
  if (ends_in_first_half(text_)) {
    half_ = text_.substr(text_.size() - kEscape);
    text_.resize(text_.size() - kEscape);
  }
  json::mend_halves(text_);
  if (!text_.empty()) emit_text(kind, text_, emit);
}

void WholeText::emit_text(Kind kind, std::string_view escaped, Tell emit) {
  const JsonText text{escaped};
  if (kind == Kind::kText) emit(TextDelta{text});
  if (kind == Kind::kThinking) emit(ThinkingDelta{text});
  if (kind == Kind::kInput) emit(InputJsonDelta{text});
}

void WholeText::flush(Tell emit) {
  if (!half_.empty()) emit_text(kind_, "\\ufffd", emit);
  half_.clear();
  kind_ = Kind::kNone;
}

JsonText WholeText::mended(JsonText text, std::string& copy) const {
  if (!may_have_half(text.escaped)) return text;
  copy = text.escaped;
  json::mend_halves(copy);
  return {copy};
}

// Tells an event that is no delta of a text, where it has a half; false where it has none.
bool WholeText::pass_mended(const MessageEvent& event, Tell emit) {
  return std::visit(
      [&](auto one) {
        using Event = decltype(one);
        if constexpr (std::is_same_v<Event, MessageDelta>) {
          one.stop_sequence = mended(one.stop_sequence, copy_);
          one.category = mended(one.category, other_copy_);
          one.explanation = mended(one.explanation, third_copy_);
        } else if constexpr (std::is_same_v<Event, Failure>) {
          one.message = mended(one.message, copy_);
        } else if constexpr (requires { one.raw; }) {
          const std::string_view raw = one.raw;
          if (!may_have_half(raw)) return false;
          copy_ = raw;
          json::mend_halves(copy_);
          one.raw = copy_;
          const auto move = [&](JsonText& text) { text.escaped = moved(text.escaped, raw, copy_); };
          if constexpr (std::is_same_v<Event, BlockStart>) {
            for (JsonText* text : {&one.id, &one.name, &one.text}) move(*text);
            one.input = moved(one.input, raw, copy_);
          } else if constexpr (std::is_same_v<Event, CitationDelta>) {
            for (JsonText* text :
                 {&one.type, &one.url, &one.source, &one.title, &one.document_title, &one.file_id})
              move(*text);
          }
        } else {
          return false;
        }
        emit(one);
        return true;
      },
      event);
}

}  // namespace ccproxy::anthropic
