#include "dialect/responses/events.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::size_t kLargeBytes = std::size_t{64} << 10;
constexpr std::size_t kFrameBytes = 100;  // of an event beside its name and members

}  // namespace

std::string_view events_after_number(std::string_view events, std::int64_t first,
                                     std::int64_t after) {
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
  release_large_buffer();
}

void ResponseEvents::end(std::string_view name, std::initializer_list<std::string_view> members,
                         std::string& out) {
  if (streams_) out.resize(out.size() - end_size_);
  const std::string_view sse = append(name, members, out);
  if (log_ != nullptr) log_->end(number_, sse);
  if (streams_) end_size_ = sse.size();
  release_large_buffer();
}

// Frees the memory of an event that repeats a large request, instead of keeping it until the next
// one.
void ResponseEvents::release_large_buffer() {
  if (log_only_.size() > kLargeBytes) log_only_ = std::string();
}

std::string_view ResponseEvents::append(std::string_view name,
                                        std::initializer_list<std::string_view> members,
                                        std::string& out) {
  if (!are_needed()) return {};
  log_only_.clear();
  std::string& to = streams_ ? out : log_only_;
  const std::size_t begin = to.size();
  std::size_t size = kFrameBytes + 2 * name.size();
  for (const std::string_view part : members) size += part.size();
  if (size > kLargeBytes) to.reserve(begin + size);  // or its last bytes would move all of it
  to.append("event: response.").append(name).append("\ndata: {\"type\":\"response.").append(name);
  to.append("\",\"sequence_number\":").append(std::to_string(number_));
  for (const std::string_view part : members) to += part;
  to += "}\n\n";
  return std::string_view(to).substr(begin);
}

}  // namespace ccproxy::dialect
