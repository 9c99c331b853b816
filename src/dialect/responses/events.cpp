#include "dialect/responses/events.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::size_t kLarge = std::size_t{64} << 10;
constexpr std::size_t kFrame = 100;  // bytes of an event beside its name and members

}  // namespace

std::string_view events_behind(std::string_view events, std::int64_t first, std::int64_t after) {
  constexpr std::string_view kEnd = "\n\n";
  for (; first <= after && !events.empty(); ++first) {
    const auto end = events.find(kEnd);
    events.remove_prefix(end == std::string_view::npos ? events.size() : end + kEnd.size());
  }
  return events;
}

void ResponseEvents::add(std::string_view name, std::initializer_list<std::string_view> members,
                         std::string& out) {
  const std::string_view sse = append(name, members, out);
  if (log_ != nullptr) log_->add(number_, sse);
  if (!sse.empty()) ++number_;
  forget_large();
}

void ResponseEvents::end(std::string_view name, std::initializer_list<std::string_view> members,
                         std::string& out) {
  if (streams_) out.resize(out.size() - end_size_);
  const std::string_view sse = append(name, members, out);
  if (log_ != nullptr) log_->end(number_, sse);
  if (streams_) end_size_ = sse.size();
  forget_large();
}

// An event that tells much of the request is not held until the next one comes.
void ResponseEvents::forget_large() {
  if (unheard_.size() > kLarge) unheard_ = std::string();
}

std::string_view ResponseEvents::append(std::string_view name,
                                        std::initializer_list<std::string_view> members,
                                        std::string& out) {
  if (!are_heard()) return {};
  unheard_.clear();
  std::string& to = streams_ ? out : unheard_;
  const std::size_t begin = to.size();
  std::size_t size = kFrame + 2 * name.size();
  for (const std::string_view part : members) size += part.size();
  if (size > kLarge) to.reserve(begin + size);  // it is not moved once more for its last bytes
  to.append("event: response.").append(name).append("\ndata: {\"type\":\"response.").append(name);
  to.append("\",\"sequence_number\":").append(std::to_string(number_));
  for (const std::string_view part : members) to += part;
  to += "}\n\n";
  return std::string_view(to).substr(begin);
}

}  // namespace ccproxy::dialect
