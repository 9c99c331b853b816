#include "anthropic/surrogate_filter.hpp"

#include <functional>
#include <type_traits>
#include <variant>

namespace ccproxy::anthropic {
namespace {

constexpr std::size_t kEscape = 6;  // \uXXXX

// Nearly all text has none, and is not copied.
bool has_lone_surrogate(std::string_view json) {
  return json::find_lone_surrogate(json) != std::string_view::npos;
}

// True when the text ends in a high surrogate, so that the next delta may complete the pair.
bool ends_in_high_surrogate(std::string_view escaped) {
  if (escaped.size() < kEscape) return false;
  const std::string_view last = escaped.substr(escaped.size() - kEscape);
  const bool is_high = (last.starts_with("\\ud") || last.starts_with("\\uD")) &&
                       std::string_view("89abAB").find(last[3]) != std::string_view::npos;
  if (!is_high) return false;
  const std::string_view before = escaped.substr(0, escaped.size() - kEscape);
  const auto other = before.find_last_not_of('\\');
  const std::size_t backslashes = before.size() - (other == std::string_view::npos ? 0 : other + 1);
  return backslashes % 2 == 0;  // otherwise the backslash itself is escaped
}

// Returns the view of `copy`, a copy of `from`, for a view of `from`. Other views stay as they are.
std::string_view moved(std::string_view view, std::string_view from, const std::string& copy) {
  if (std::less<>()(view.data(), from.data()) ||
      std::less<>()(from.data() + from.size(), view.data() + view.size()))
    return view;
  return std::string_view(copy).substr(static_cast<std::size_t>(view.data() - from.data()),
                                       view.size());
}

}  // namespace

void SurrogateFilter::pass(const MessageEvent& event, Emit emit) {
  if (const auto* text = std::get_if<TextDelta>(&event))
    return pass_delta(Kind::kText, text->text, event, emit);
  if (const auto* thought = std::get_if<ThinkingDelta>(&event))
    return pass_delta(Kind::kThinking, thought->text, event, emit);
  if (const auto* input = std::get_if<InputJsonDelta>(&event))
    return pass_delta(Kind::kInput, input->partial, event, emit);
  if (std::holds_alternative<Ping>(event)) return emit(event);
  flush(emit);
  if (!pass_repaired(event, emit)) emit(event);
}

void SurrogateFilter::pass_delta(Kind kind, JsonText text, const MessageEvent& event, Emit emit) {
  if (kind != kind_) flush(emit);
  if (withheld_.empty() && !has_lone_surrogate(text.escaped)) return emit(event);
  text_ = withheld_;
  text_ += text.escaped;
  withheld_.clear();
  kind_ = kind;
  if (ends_in_high_surrogate(text_)) {
    withheld_ = text_.substr(text_.size() - kEscape);
    text_.resize(text_.size() - kEscape);
  }
  json::replace_lone_surrogates(text_);
  if (!text_.empty()) emit_text(kind, text_, emit);
}

void SurrogateFilter::emit_text(Kind kind, std::string_view escaped, Emit emit) {
  const JsonText text{escaped};
  if (kind == Kind::kText) emit(TextDelta{text});
  if (kind == Kind::kThinking) emit(ThinkingDelta{text});
  if (kind == Kind::kInput) emit(InputJsonDelta{text});
}

void SurrogateFilter::flush(Emit emit) {
  if (!withheld_.empty()) emit_text(kind_, "\\ufffd", emit);
  withheld_.clear();
  kind_ = Kind::kNone;
}

JsonText SurrogateFilter::repaired(JsonText text, std::string& copy) const {
  if (!has_lone_surrogate(text.escaped)) return text;
  copy = text.escaped;
  json::replace_lone_surrogates(copy);
  return {copy};
}

// Emits an event other than a delta of text with its lone surrogates replaced. Returns false when
// it has none, without emitting it.
bool SurrogateFilter::pass_repaired(const MessageEvent& event, Emit emit) {
  return std::visit(
      [&](auto one) {
        using Event = decltype(one);
        if constexpr (std::is_same_v<Event, MessageDelta>) {
          one.stop_sequence = repaired(one.stop_sequence, copy_);
          one.category = repaired(one.category, other_copy_);
          one.explanation = repaired(one.explanation, third_copy_);
        } else if constexpr (std::is_same_v<Event, Failure>) {
          one.message = repaired(one.message, copy_);
        } else if constexpr (requires { one.raw; }) {
          const std::string_view raw = one.raw;
          if (!has_lone_surrogate(raw)) return false;
          copy_ = raw;
          json::replace_lone_surrogates(copy_);
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
