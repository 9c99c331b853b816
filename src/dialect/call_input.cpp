#include "dialect/call_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

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
  if (value.is_object()) return value.raw();
  return made.keep(fmt::format(R"({{"value":{}}})", value.raw()));
}

std::string_view text_input_of(Value text, MadeTexts& made) {
  if (text.is_string()) return made.keep(fmt::format(R"({{"input":{}}})", text.raw()));
  std::string input = R"({"input":)";
  json::append_quoted(input, text.is_absent() ? std::string_view() : text.raw());
  input += '}';
  return made.keep(std::move(input));
}

void OpenCalls::add(std::string_view client, std::string_view upstream) {
  const auto [open, is_new] = by_client_.try_emplace(client);
  if (is_new)
    open->second.first = upstream;
  else
    open->second.more.push_back(upstream);
}

std::string_view OpenCalls::answered(std::string_view client) {
  const auto open = by_client_.find(client);
  if (open == by_client_.end()) return client.empty() ? kNoId : client;
  Open& calls = open->second;
  const std::size_t index = std::min(calls.answered++, calls.more.size());
  return index == 0 ? calls.first : calls.more[index - 1];
}

}  // namespace ccproxy::dialect
