#include "http/sse.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace ccproxy::http {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

bool is_event_stream(std::string_view content_type) {
  return same_text(trim(content_type.substr(0, content_type.find(';'))), "text/event-stream");
}

void SseReader::store(std::string_view bytes) {
  const std::size_t room = max_event_ + 16 - std::min(line_.size(), max_event_ + 16);
  if (bytes.size() > room) in_long_line_ = true;  // take_field() notices that a value is too long
  line_.append(bytes.substr(0, room));
}

// Takes the next line from the input into complete_. In the common case the whole line is in the
// input, and is not copied.
SseReader::Line SseReader::take_line() {
  if (saw_cr_ && !input_.empty()) {
    saw_cr_ = false;
    if (input_.front() == '\n') input_.remove_prefix(1);
  }
  // The next LF is remembered, so that a stream of CR line ends is not searched again line by line.
  if (next_lf_ == nullptr || next_lf_ < input_.data())
    next_lf_ = input_.data() + std::min(input_.find('\n'), input_.size());
  const std::string_view to_lf =
      input_.substr(0, static_cast<std::size_t>(next_lf_ - input_.data()));
  auto end = to_lf.find('\r');
  if (end == std::string_view::npos && to_lf.size() < input_.size()) end = to_lf.size();
  if (end == std::string_view::npos) {
    store(input_);
    input_ = {};
    return Line::kMore;
  }
  const std::string_view part = input_.substr(0, end);
  saw_cr_ = input_[end] == '\r';
  input_.remove_prefix(end + 1);
  if (line_.empty()) {
    complete_ = part;
  } else {
    store(part);
    complete_ = line_;
  }
  in_long_line_ = false;
  if (std::exchange(at_start_, false) && complete_.starts_with(kByteOrderMark))
    complete_.remove_prefix(kByteOrderMark.size());
  return complete_.empty() ? Line::kBlank : Line::kComplete;
}

void SseReader::take_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == 0) return;  // a comment
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") {
    cut_ = cut_ || value.size() > max_event_;
    name_.assign(value.substr(0, max_event_));
  } else if (name == "data") {
    if (has_data_) data_ += '\n';
    has_data_ = true;
    const std::size_t room = max_event_ - std::min(data_.size(), max_event_);
    cut_ = cut_ || value.size() > room;
    data_.append(value.substr(0, room));
  }
}

std::optional<SseEvent> SseReader::next() {
  if (std::exchange(event_returned_, false)) {
    name_.clear();
    data_.clear();
    has_data_ = cut_ = false;
  }
  while (!input_.empty()) {
    const Line line = take_line();
    if (line == Line::kMore) break;
    if (line == Line::kComplete) {
      border_ = false;
      take_field(complete_);
      line_.clear();
      continue;
    }
    border_ = true;
    line_.clear();
    if (!has_data_) {  // a name alone is not an event
      name_.clear();
      cut_ = false;
      continue;
    }
    event_returned_ = true;
    return SseEvent{name_, data_, cut_};
  }
  return std::nullopt;
}

std::optional<SseEvent> SseReader::cut_event() {
  if (event_returned_) return std::nullopt;
  if (!line_.empty()) take_field(line_);
  if (!has_data_) return std::nullopt;
  return SseEvent{name_, data_, cut_};
}

}  // namespace ccproxy::http
