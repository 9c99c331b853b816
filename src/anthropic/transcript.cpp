#include "anthropic/transcript.hpp"

#include <algorithm>

#include "json/outline.hpp"
#include "json/writer.hpp"

namespace ccproxy::anthropic {

void Transcript::on(const MessageEvent& event) {
  std::visit([this](const auto& one) { take(one); }, event);
}

void Transcript::take(const BlockStart& start) {
  block_.clear();
  input_.clear();
  is_open_ =
      reader_
          .members_of_copy(start.raw,
                           [this](const json::Member& one) {
                             block_.push_back({std::string(one.key), std::string(one.value)});
                           })
          .has_value();
}

// Returns the member of the open block, which is added when it is missing.
Transcript::Member& Transcript::member(std::string_view key, std::string_view otherwise) {
  const auto found =
      std::find_if(block_.begin(), block_.end(), [&](const Member& one) { return one.key == key; });
  if (found != block_.end()) return *found;
  return block_.emplace_back(Member{std::string(key), std::string(otherwise)});
}

// Appends to a member that is a string. A member of another type, such as null, is replaced.
void Transcript::extend(std::string_view key, JsonText text) {
  if (!is_open_) return;
  std::string& value = member(key, "\"\"").value;
  if (!value.starts_with('"')) value = "\"\"";
  value.pop_back();
  value.append(text.escaped).append("\"");
}

void Transcript::take(const InputJsonDelta& delta) { json::append_decoded(input_, delta.partial); }

void Transcript::take(const CitationDelta& delta) {
  if (!is_open_) return;
  std::string& list = member("citations", "[]").value;
  if (!list.starts_with('[')) list = "[]";
  list.pop_back();
  if (list.size() > 1) list += ',';
  list.append(delta.raw).append("]");
}

// A delta of an unknown type is applied to the members that it names: strings are appended, other
// values replace the member.
void Transcript::take(const OtherDelta& delta) {
  if (!is_open_) return;
  (void)reader_.members_of_copy(delta.raw, [this](const json::Member& one) {
    if (one.key == "type") return;
    if (const auto text = json::text_of(one.value)) return extend(one.key, *text);
    member(one.key, "null").value = one.value;
  });
}

// With eager input streaming a model's input may be invalid JSON. Such an input is wrapped in the
// object that the provider's documentation specifies, so that the request stays valid.
std::string Transcript::input_as_json() const {
  json::Outline outline;
  if (outline.read(input_, 0)) return std::string(outline.root().raw());
  std::string wrapped;
  json::Writer(wrapped).begin_object().member("INVALID_JSON", input_).end_object();
  return wrapped;
}

void Transcript::take(const BlockStop&) {
  if (!is_open_) return;
  is_open_ = false;
  if (!input_.empty()) member("input", "{}").value = input_as_json();
  if (!blocks_.empty()) blocks_ += ',';
  json::Writer writer(blocks_);
  writer.begin_object();
  for (const Member& one : block_) writer.key(one.key).raw(one.value);
  writer.end_object();
  ends_.push_back(blocks_.size());
}

std::string_view Transcript::blocks(std::size_t first, std::size_t end) const {
  end = std::min(end, ends_.size());
  if (first >= end) return {};
  const std::size_t begin = first == 0 ? 0 : ends_[first - 1] + 1;  // behind the comma
  return std::string_view(blocks_).substr(begin, ends_[end - 1] - begin);
}

}  // namespace ccproxy::anthropic
