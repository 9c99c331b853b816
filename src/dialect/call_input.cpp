#include "dialect/call_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

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

// Neither an id nor such an input has a line end, so that no two calls look alike.
std::string OpenCalls::meaning_of(const ClientCall& call) {
  std::string meaning(call.id);
  meaning.append("\n").append(call.name).append("\n");
  return meaning += json::canonical_value(call.input, scratch_);
}

bool OpenCalls::has(const ClientCall& call) {
  meaning_.reset();
  const auto open = by_client_.find(call.id);
  if (call.id.empty() || open == by_client_.end()) return false;
  if (!std::exchange(open->second.is_listed, true)) listed_.insert(meaning_of(open->second.call));
  meaning_ = meaning_of(call);
  return listed_.contains(*meaning_);
}

void OpenCalls::add(const ClientCall& call, std::string_view upstream) {
  const auto [open, is_new] = by_client_.try_emplace(call.id);
  if (is_new) {
    open->second.call = call;
    open->second.first = upstream;
    return;
  }
  open->second.more.push_back(upstream);
  if (call.id.empty()) return;
  listed_.insert(meaning_ ? *std::exchange(meaning_, std::nullopt) : meaning_of(call));
}

// As new: a table that was large once would be wiped anew for each turn that follows.
void OpenCalls::clear() {
  if (!by_client_.empty()) by_client_ = decltype(by_client_)(by_client_.get_allocator());
  if (!listed_.empty()) listed_ = {};
}

std::string_view OpenCalls::answered(std::string_view client) {
  const auto open = by_client_.find(client);
  if (open == by_client_.end()) return client.empty() ? kNoId : client;
  Open& calls = open->second;
  const std::size_t index = std::min(calls.answered++, calls.more.size());
  return index == 0 ? calls.first : calls.more[index - 1];
}

}  // namespace ccproxy::dialect
