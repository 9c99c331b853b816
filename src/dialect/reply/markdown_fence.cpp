#include "dialect/reply/markdown_fence.hpp"

#include <utility>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kTicks = "```";
constexpr std::size_t kMaxOpening = 64;  // bytes of white space, fence and language

bool is_language_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '+';
}

enum class Opening { kMaybe, kYes, kNo };

// Says whether `text` begins with a line that opens a fence, and then sets `size` to that line's
// size.
Opening opening_of(std::string_view text, std::size_t& size) {
  if (text.size() > kMaxOpening) text = text.substr(0, kMaxOpening);
  const bool is_cut = text.size() == kMaxOpening;
  const Opening at_end = is_cut ? Opening::kNo : Opening::kMaybe;
  std::size_t at = text.find_first_not_of(kBlank);
  if (at == std::string_view::npos) return at_end;
  const std::string_view ticks = text.substr(at, kTicks.size());
  if (!kTicks.starts_with(ticks)) return Opening::kNo;
  if (ticks.size() < kTicks.size()) return at_end;
  at += kTicks.size();
  while (at < text.size() && is_language_character(text[at])) ++at;
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r')) ++at;
  if (at == text.size()) return at_end;
  size = at + 1;
  return text[at] == '\n' ? Opening::kYes : Opening::kNo;
}

}  // namespace

void Fence::feed(std::string_view text, std::string& out) {
  if (state_ == State::kUnfenced) {
    out += text;
    return;
  }
  if (state_ == State::kInside) return feed_inside(text, out);
  held_ += text;
  std::size_t line = 0;
  switch (opening_of(held_, line)) {
    case Opening::kMaybe: return;
    case Opening::kNo:
      state_ = State::kUnfenced;
      out += held_;
      held_.clear();
      return;
    case Opening::kYes: {
      state_ = State::kInside;
      const std::string first = std::exchange(held_, {});
      return feed_inside(std::string_view(first).substr(line), out);
    }
  }
}

// `held_` may be, or become, the closing fence: white space, backticks, white space. Remembering
// where the backticks end avoids a second look at any character.
void Fence::feed_inside(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '`') {
      const bool begins_anew = ticks_end_ > 0 && held_.size() > ticks_end_;
      if (begins_anew) {
        out.append(held_, 0, ticks_end_);
        held_.erase(0, ticks_end_);
      }
      held_ += c;
      ticks_end_ = held_.size();
    } else if (kBlank.find(c) != std::string_view::npos) {
      held_ += c;
    } else {
      out.append(held_) += c;
      held_.clear();
      ticks_end_ = 0;
    }
  }
}

void Fence::finish(std::string& out) {
  if (state_ == State::kFirstLine) out += held_;
  held_.clear();
}

std::string_view EscapedFence::feed(std::string_view escaped) {
  escaped_.clear();
  json::append_decoded(escaped_, {escaped});
  plain_.clear();
  fence_.feed(escaped_, plain_);
  return escape_plain();
}

std::string_view EscapedFence::finish() {
  plain_.clear();
  fence_.finish(plain_);
  return escape_plain();
}

std::string_view EscapedFence::escape_plain() {
  escaped_.clear();
  json::append_escaped(escaped_, plain_);
  return escaped_;
}

}  // namespace ccproxy::dialect
