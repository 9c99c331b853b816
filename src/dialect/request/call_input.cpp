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
  if (text.is_string()) return arena.store(fmt::format(R"({{"input":{}}})", text.raw()));
  std::string input = R"({"input":)";
  json::append_quoted(input, text.is_absent() ? std::string_view() : text.raw());
  input += '}';
  return arena.store(std::move(input));
}

// The hash is computed in the same pass where it will be needed: for an id that was used before,
// and for a call without one, since a remembered turn is then found by its inputs.
CallInput OpenCalls::input_of(Value arguments, std::string_view id) {
  if (arguments.is_object()) return {arguments.raw()};
  if (arguments.is_absent()) return {"{}"};
  if (!arguments.is_string())
    return {arena_.store(fmt::format(R"({{"value":{}}})", arguments.raw()))};
  if (json::is_blank(arguments.text())) return {"{}"};
  const std::string_view plain = plain_text(arguments, arena_);
  std::uint64_t hash = 0;
  if (id.empty() || by_client_.contains(id))
    hash = json::value_hash(plain, scratch_);  // it parses the text as well
  else
    static_cast<void>(scratch_.read(plain, 0));
  const Value value = scratch_.root();  // kMissing where the text is not JSON
  if (value.kind() == json::ValueKind::kMissing)
    return {arena_.store(fmt::format(R"({{"_raw":{}}})", arguments.raw()))};
  if (value.is_object())
    return {scratch_.is_repaired() ? arena_.store(value.raw()) : value.raw(), hash};
  return {arena_.store(fmt::format(R"({{"value":{}}})", value.raw()))};
}

std::uint64_t OpenCalls::hash_of(ClientCall& call) {
  CallInput& input = call.input;
  if (input.hash == 0) input.hash = json::value_hash(input.json, scratch_);
  return hash_combine(hash_append(hash_append(hash_append(kHashSeed, call.id), '\n'), call.name),
                      input.hash);
}

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
  if (!std::exchange(open->second.is_repeated, true)) repeated_.try_emplace(hash_of(first), first);
  const auto same = repeated_.find(hash_of(call));
  return same != repeated_.end() && is_same(same->second, call);
}

void OpenCalls::add(ClientCall& call, std::string_view upstream) {
  const auto [open, is_new] = by_client_.try_emplace(call.id);
  if (is_new) {
    open->second.call = call;
    open->second.first = upstream;
    return;
  }
  open->second.more.push_back(upstream);
  if (!call.id.empty()) repeated_.try_emplace(hash_of(call), call);
}

// The tables are replaced, since clearing one that was large once costs as much for every turn that
// follows.
void OpenCalls::clear() {
  if (!by_client_.empty()) by_client_ = decltype(by_client_)(by_client_.get_allocator());
  if (!repeated_.empty()) repeated_ = decltype(repeated_)(repeated_.get_allocator());
}

std::string_view OpenCalls::take_result_id(std::string_view client) {
  const auto open = by_client_.find(client);
  if (open == by_client_.end()) return client.empty() ? kNoId : client;
  Open& calls = open->second;
  const std::size_t index = std::min(calls.results++, calls.more.size());
  return index == 0 ? calls.first : calls.more[index - 1];
}

}  // namespace ccproxy::dialect
