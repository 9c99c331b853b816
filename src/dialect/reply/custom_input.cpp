#include "dialect/reply/custom_input.hpp"

#include "base/text.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::string_view kOpening = R"({"input":")";

// True where JSON allows white space before the character of the opening at `matched`.
constexpr bool may_be_blank_before(std::size_t matched) {
  return matched <= 1 || matched == kOpening.find(':') || matched == kOpening.size() - 1;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Returns how many bytes at the end are the beginning of a UTF-8 sequence.
std::size_t unfinished_utf8(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;
    const std::size_t whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return whole > back ? back : 0;
  }
  return 0;
}

enum class Surrogate { kNone, kHigh, kLow };

// Returns which surrogate an escape of six bytes is.
Surrogate surrogate_of(std::string_view escape) {
  if (escape[2] != 'd' && escape[2] != 'D') return Surrogate::kNone;
  const char digit = lower(escape[3]);
  if (digit == '8' || digit == '9' || digit == 'a' || digit == 'b') return Surrogate::kHigh;
  return digit >= 'c' && digit <= 'f' ? Surrogate::kLow : Surrogate::kNone;
}

// Returns the size of the escape at the beginning of `rest`, where a surrogate pair counts as one;
// 0 when `rest` may end in the middle of it.
std::size_t escape_size(std::string_view rest) {
  if (rest.size() < 2) return 0;
  if (rest[1] != 'u') return 2;
  if (rest.size() < 6) return 0;
  if (surrogate_of(rest) != Surrogate::kHigh) return 6;
  const std::string_view next = rest.substr(6, 6);
  if (!std::string_view("\\u").starts_with(next.substr(0, 2))) return 6;
  if (next.size() < 6) return 0;
  return surrogate_of(next) == Surrogate::kLow ? 12 : 6;
}

}  // namespace

void CustomInput::feed(std::string_view json, std::string& out) {
  if (state_ == State::kBeforeText) json.remove_prefix(match_opening(json, out));
  if (state_ == State::kRaw) out += json;
  if (state_ != State::kText) return;
  pending_ += json;
  decode(out);
}

// Returns how many bytes of `json` belong to the opening.
std::size_t CustomInput::match_opening(std::string_view json, std::string& out) {
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == kOpening[matched_]) {
      ++matched_;
    } else if (!is_blank(c) || !may_be_blank_before(matched_)) {
      state_ = State::kRaw;
      out += pending_;
      return i;
    }
    pending_ += c;
    if (matched_ < kOpening.size()) continue;
    state_ = State::kText;
    pending_.clear();
    return i + 1;
  }
  return json.size();
}

// Appends the pending text, decoded, up to its closing quotation mark or to an escape or character
// that is not complete.
void CustomInput::decode(std::string& out) {
  std::size_t end = 0;
  while (end < pending_.size() && pending_[end] != '"') {
    if (pending_[end] != '\\') {
      ++end;
    } else if (const std::size_t size = escape_size(std::string_view(pending_).substr(end))) {
      end += size;
    } else {
      break;
    }
  }
  const bool is_over = end < pending_.size() && pending_[end] == '"';
  if (end == pending_.size()) end -= unfinished_utf8(pending_);
  json::append_decoded(out, {std::string_view(pending_).substr(0, end)});
  pending_.erase(0, is_over ? pending_.size() : end);
  if (is_over) state_ = State::kAfterText;
}

}  // namespace ccproxy::dialect
