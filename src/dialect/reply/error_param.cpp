#include "dialect/reply/error_param.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

// Upstream's fields, each with the name of the client's field that it comes from.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kFields = {{
    {"messages", "messages"},
    {"tools", "tools"},
    {"tool_choice", "tool_choice"},
    {"model", "model"},
    {"max_tokens", "max_tokens"},
    {"temperature", "temperature"},
    {"top_p", "top_p"},
    {"stop_sequences", "stop"},
    {"service_tier", "service_tier"},
    {"system", "messages"},
}};

bool is_path_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

bool is_secret(std::string_view word) {
  return word.find("sk-ant-") != std::string_view::npos || word.find('@') != std::string_view::npos;
}

}  // namespace

std::string client_param(std::string_view message) {
  const auto end = std::find_if_not(message.begin(), message.end(), is_path_character);
  if (end == message.end() || *end != ':') return "";
  std::string_view path = message.substr(0, static_cast<std::size_t>(end - message.begin()));
  const auto first = take_item(path, '.');
  const auto known = std::find_if(kFields.begin(), kFields.end(),
                                  [&](const auto& field) { return field.first == first; });
  if (known == kFields.end()) return "";
  std::string param(known->second);
  if (first == "system") return param;
  while (!path.empty()) {
    const auto part = take_item(path, '.');
    if (part.empty()) return "";
    const bool is_index = parse_decimal(part).has_value();
    param += is_index ? "[" : ".";
    param += part;
    if (is_index) param += ']';
  }
  return param;
}

std::string without_secrets(std::string_view message) {
  std::string safe;
  while (!message.empty()) {
    const auto word = message.substr(0, message.find(' '));
    safe += is_secret(word) ? std::string_view("***") : word;
    message.remove_prefix(word.size());
    if (message.empty()) break;
    safe += ' ';
    message.remove_prefix(1);
  }
  return safe;
}

std::string quoted_excerpt(std::string_view body) {
  constexpr std::size_t kMaxBytes = 300;
  std::size_t size = std::min(body.size(), kMaxBytes);
  // A character that does not fit is left out as a whole.
  while (size > 0 && size < body.size() && (body[size] & 0xc0) == 0x80) --size;
  const std::string_view excerpt = body.substr(0, size);
  const bool is_text = json::is_utf8(excerpt);
  std::string line;
  for (const char c : excerpt) {
    const bool is_blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    const bool is_shown = (c >= ' ' && c <= '~') || (is_text && (c & 0x80) != 0);
    if (is_blank && (line.empty() || line.back() == ' ')) continue;
    line += is_blank ? ' ' : is_shown ? c : '?';
  }
  if (line.empty()) return {};
  return ": \"" + without_secrets(line) + (size < body.size() ? "...\"" : "\"");
}

}  // namespace ccproxy::dialect
