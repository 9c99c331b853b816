#include "proxy/tap.hpp"

#include <utility>

#include "base/text.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMaxEvent = 256 * 1024;           // bytes of one event
constexpr std::size_t kMaxBody = std::size_t{4} << 20;  // bytes of a JSON response
constexpr std::size_t kMaxDecoded = std::size_t{4} << 20;

// True for a whole object, from its first brace to its last.
bool is_object(std::string_view json) {
  json::Reader reader;
  return reader.members_of_copy(json, [](const json::Member&) {}).has_value();
}

}  // namespace

Tap::Tap(const http::ResponseHead& response, anthropic::UsageParsers& parsers, bool is_message,
         MemoryReservation hold)
    : is_message_(is_message), events_(kMaxEvent), hold_(std::move(hold)), usage_(parsers) {
  const std::string_view type = response.get("content-type");
  if (http::is_event_stream(type)) kind_ = Kind::kEvents;
  if (starts_with_text(type, "application/json")) kind_ = Kind::kJson;
  const auto coding = http::coding_of(response.get("content-encoding"));
  if (!coding) {
    kind_ = Kind::kOther;  // it is passed on without being read
  } else if (coding_ = *coding; coding_ != http::Coding::kIdentity) {
    decoder_.emplace(coding_);
  }
}

void Tap::see(std::string_view bytes) {
  if (kind_ == Kind::kOther) return;
  if (!decoder_) return see_plain(bytes);
  decoded_.clear();
  if (decoder_->decode(bytes, decoded_, kMaxDecoded)) {
    see_plain(decoded_);
  } else {
    kind_ = Kind::kOther;
  }
}

void Tap::see_plain(std::string_view bytes) {
  if (kind_ == Kind::kJson) {
    // Twice the size: a string that grows is copied into another one.
    if (body_.size() + bytes.size() <= kMaxBody && hold_.grow(2 * bytes.size())) {
      body_ += bytes;
    } else {
      kind_ = Kind::kOther;
      body_ = std::string();
      hold_.release();
    }
    return;
  }
  events_.feed(bytes);
  while (const auto event = events_.next()) {
    usage_.on_event(event->name, event->cut ? std::string_view{} : event->data);
    if (!usage_.last_was_ping()) last_content_ = Clock::now();
  }
}

void Tap::finish() {
  if (kind_ == Kind::kJson) usage_.on_body(body_);
  if (!is_unfinished()) return;
  const auto event = events_.cut_event();
  if (!event || event->cut || !is_object(event->data)) return;
  usage_.on_event(event->name, event->data);
  lacks_border_ = is_over();
}

// After a CR the first LF only completes the end of that line.
std::string_view Tap::to_border() const {
  if (events_.at_border()) return events_.behind_cr() ? "\n" : "";
  return events_.at_line_start() && !events_.behind_cr() ? "\n" : "\n\n";
}

}  // namespace ccproxy::proxy
