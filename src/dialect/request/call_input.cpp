#include "dialect/request/call_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/hash.hpp"
#include "json/canonical.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kNoId = "(none)";

}  // namespace

std::string_view text_input_of(Value text, RequestArena& arena) {
  if (text.is_string()) return arena.keep(fmt::format(R"({{"input":{}}})", text.raw()));
  std::string input = R"({"input":)";
  json::append_quoted(input, text.is_absent() ? std::string_view() : text.raw());
  input += '}';
  return arena.keep(std::move(input));
}

// What it means is found out as it is read where somebody will ask: when the id has come before, or
// when there is none, by which a turn would be known.
CallInput OpenCalls::input_of(Value arguments, std::string_view id) {
  if (arguments.is_object()) return {arguments.raw()};
  if (arguments.is_absent()) return {"{}"};
  if (!arguments.is_string())
    return {arena_.keep(fmt::format(R"({{"value":{}}})", arguments.raw()))};
  if (json::is_blank(arguments.text())) return {"{}"};
  const std::string_view plain = plain_text(arguments, arena_);
  std::uint64_t meaning = 0;
  if (id.empty() || by_client_.contains(id))
    meaning = json::value_hash(plain, scratch_);  // it reads the text, too
  else
    static_cast<void>(scratch_.read(plain, 0));
  const Value value = scratch_.root();  // missing where the text is no JSON
  if (value.kind() == json::ValueKind::kMissing)
    return {arena_.keep(fmt::format(R"({{"_raw":{}}})", arguments.raw()))};
  if (value.is_object())
    return {scratch_.is_mended() ? arena_.keep(value.raw()) : value.raw(), meaning};
  return {arena_.keep(fmt::format(R"({{"value":{}}})", value.raw()))};
}

std::uint64_t OpenCalls::number_of(ClientCall& call) {
  CallInput& input = call.input;
  if (input.meaning == 0) input.meaning = json::value_hash(input.json, scratch_);
  return mixed(hashed(hashed(hashed(kHashStart, call.id), '\n'), call.name), input.meaning);
}

// Two calls of one number are nearly always the same.
bool OpenCalls::is_same(const ClientCall& a, const ClientCall& b) {
  return a.id == b.id && a.name == b.name &&
         (a.input.json == b.input.json || json::canonical_value(a.input.json, scratch_) ==
                                              json::canonical_value(b.input.json, scratch_));
}

bool OpenCalls::has(ClientCall& call) {
  if (call.id.empty()) return false;
  const auto open = by_client_.find(call.id);
  if (open == by_client_.end()) return false;
  ClientCall& first = open->second.call;
  if (!std::exchange(open->second.is_told, true)) emitted_.try_emplace(number_of(first), first);
  const auto told = emitted_.find(number_of(call));
  return told != emitted_.end() && is_same(told->second, call);
}

void OpenCalls::add(ClientCall& call, std::string_view upstream) {
  const auto [open, is_new] = by_client_.try_emplace(call.id);
  if (is_new) {
    open->second.call = call;
    open->second.first = upstream;
    return;
  }
  open->second.more.push_back(upstream);
  if (!call.id.empty()) emitted_.try_emplace(number_of(call), call);
}

// As new: a table that was large once would be wiped anew for each turn that follows.
void OpenCalls::clear() {
  if (!by_client_.empty()) by_client_ = decltype(by_client_)(by_client_.get_allocator());
  if (!emitted_.empty()) emitted_ = decltype(emitted_)(emitted_.get_allocator());
}

std::string_view OpenCalls::answered(std::string_view client) {
  const auto open = by_client_.find(client);
  if (open == by_client_.end()) return client.empty() ? kNoId : client;
  Open& calls = open->second;
  const std::size_t index = std::min(calls.answered++, calls.more.size());
  return index == 0 ? calls.first : calls.more[index - 1];
}

}  // namespace ccproxy::dialect
