#include "dialect/call_input.hpp"

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

std::string_view input_of(Value arguments, MadeTexts& made, json::Outline& scratch) {
  if (arguments.is_object()) return arguments.raw();
  if (arguments.is_absent()) return "{}";
  if (!arguments.is_string()) return made.keep(fmt::format(R"({{"value":{}}})", arguments.raw()));
  if (json::is_blank(arguments.text())) return "{}";
  const std::string_view plain = plain_text(arguments, made);
  if (!scratch.read(plain, 0)) return made.keep(fmt::format(R"({{"_raw":{}}})", arguments.raw()));
  const Value value = scratch.root();
  if (value.is_object()) return scratch.is_mended() ? made.keep(value.raw()) : value.raw();
  return made.keep(fmt::format(R"({{"value":{}}})", value.raw()));
}

std::string_view text_input_of(Value text, MadeTexts& made) {
  if (text.is_string()) return made.keep(fmt::format(R"({{"input":{}}})", text.raw()));
  std::string input = R"({"input":)";
  json::append_quoted(input, text.is_absent() ? std::string_view() : text.raw());
  input += '}';
  return made.keep(std::move(input));
}

std::uint64_t OpenCalls::number_of(ClientCall& call) {
  if (call.meaning == 0) call.meaning = json::value_hash(call.input, scratch_);
  return mixed(hashed(hashed(hashed(kHashStart, call.id), '\n'), call.name), call.meaning);
}

// Two calls of one number are nearly always the same.
bool OpenCalls::is_same(const ClientCall& a, const ClientCall& b) {
  return a.id == b.id && a.name == b.name &&
         (a.input == b.input ||
          json::canonical_value(a.input, scratch_) == json::canonical_value(b.input, scratch_));
}

bool OpenCalls::has(ClientCall& call) {
  if (call.id.empty()) return false;
  const auto open = by_client_.find(call.id);
  if (open == by_client_.end()) return false;
  ClientCall& first = open->second.call;
  if (!std::exchange(open->second.is_told, true)) told_.try_emplace(number_of(first), first);
  const auto told = told_.find(number_of(call));
  return told != told_.end() && is_same(told->second, call);
}

void OpenCalls::add(ClientCall& call, std::string_view upstream) {
  const auto [open, is_new] = by_client_.try_emplace(call.id);
  if (is_new) {
    open->second.call = call;
    open->second.first = upstream;
    return;
  }
  open->second.more.push_back(upstream);
  if (!call.id.empty()) told_.try_emplace(number_of(call), call);
}

// As new: a table that was large once would be wiped anew for each turn that follows.
void OpenCalls::clear() {
  if (!by_client_.empty()) by_client_ = decltype(by_client_)(by_client_.get_allocator());
  if (!told_.empty()) told_ = decltype(told_)(told_.get_allocator());
}

std::string_view OpenCalls::answered(std::string_view client) {
  const auto open = by_client_.find(client);
  if (open == by_client_.end()) return client.empty() ? kNoId : client;
  Open& calls = open->second;
  const std::size_t index = std::min(calls.answered++, calls.more.size());
  return index == 0 ? calls.first : calls.more[index - 1];
}

}  // namespace ccproxy::dialect
