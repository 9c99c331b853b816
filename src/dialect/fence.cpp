#include "dialect/fence.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kTicks = "```";
constexpr std::size_t kLongestOpening = 64;  // white space, fence and language

bool is_language(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '+';
}

enum class Opening { kMaybe, kYes, kNo };

// Whether `text` begins with a line that opens a fence; `size` is that line's, when it does.
Opening opening_of(std::string_view text, std::size_t& size) {
  if (text.size() > kLongestOpening) text = text.substr(0, kLongestOpening);
  const bool is_cut = text.size() == kLongestOpening;
  const Opening at_end = is_cut ? Opening::kNo : Opening::kMaybe;
  std::size_t at = text.find_first_not_of(kBlank);
  if (at == std::string_view::npos) return at_end;
  const std::string_view ticks = text.substr(at, kTicks.size());
  if (!kTicks.starts_with(ticks)) return Opening::kNo;
  if (ticks.size() < kTicks.size()) return at_end;
  at += kTicks.size();
  while (at < text.size() && is_language(text[at])) ++at;
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r')) ++at;
  if (at == text.size()) return at_end;
  size = at + 1;
  return text[at] == '\n' ? Opening::kYes : Opening::kNo;
}

// Where the tail begins that may be, or may become, the closing fence.
std::size_t tail_of(std::string_view text) {
  std::size_t end = text.find_last_not_of(kBlank) + 1;  // npos + 1 is 0
  while (end > 0 && text[end - 1] == '`') --end;
  return text.substr(0, end).find_last_not_of(kBlank) + 1;
}

}  // namespace

void Fence::feed(std::string_view text, std::string& out) {
  if (state_ == State::kUnfenced) {
    out += text;
    return;
  }
  held_ += text;
  if (state_ == State::kFirstLine) {
    std::size_t line = 0;
    switch (opening_of(held_, line)) {
      case Opening::kMaybe: return;
      case Opening::kNo:
        state_ = State::kUnfenced;
        out += held_;
        held_.clear();
        return;
      case Opening::kYes: state_ = State::kInside; held_.erase(0, line);
    }
  }
  const std::size_t tail = tail_of(held_);
  out.append(held_, 0, tail);
  held_.erase(0, tail);
}

void Fence::finish(std::string& out) {
  if (state_ == State::kFirstLine) out += held_;
  held_.clear();
}

}  // namespace ccproxy::dialect
