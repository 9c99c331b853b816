#include "dialect/request/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ccproxy::dialect {
namespace {

constexpr std::size_t kMaxNames = 32;
constexpr std::size_t kMaxHeaderBytes = 1024;
constexpr std::size_t kMaxParam = 256;  // bytes; the name comes from the client

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '[' || c == ']' || c == '-';
}

bool is_full(const std::vector<std::string>& list) { return list.size() > kMaxNames; }

void add_once(std::vector<std::string>& list, std::string_view item) {
  if (!is_full(list) && std::find(list.begin(), list.end(), item) == list.end())
    list.emplace_back(item.substr(0, kMaxParam));
}

}  // namespace

bool is_as_left_out(json::Value value) {
  using json::ValueKind;
  switch (value.kind()) {
    case ValueKind::kMissing:
    case ValueKind::kNull: return true;
    case ValueKind::kBool: return value.boolean() == false;
    case ValueKind::kNumber: return value.number() == 0.0;
    case ValueKind::kString: return value.text().empty();
    case ValueKind::kArray:
    case ValueKind::kObject: return value.children().empty();
  }
  return false;
}

std::string element_param(std::string_view list, std::size_t index, std::string_view member) {
  std::string param(list);
  return param.append("[").append(std::to_string(index)).append("]").append(member);
}

std::string header_list(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view separator = list.empty() ? "" : ",";
    if (i == kMaxNames || list.size() + separator.size() + names[i].size() > kMaxHeaderBytes)
      return list.append(separator).append("...");
    list += separator;
    for (const char c : names[i]) list += is_plain(c) ? c : '?';
  }
  return list;
}

void Report::ignore(std::string_view param, std::string_view code) {
  if (strict_ && refused()) return;
  if (strict_)
    return refuse(param, code,
                  fmt::format("'{}' cannot be carried over to the Claude API (strict).",
                              param.substr(0, kMaxParam)));
  ignore_of_reply(param);
}

void Report::ignore_of_reply(std::string_view param) {
  if (is_full(plan_.ignored)) return;
  add_once(plan_.ignored, param_of(param));
}

void Report::warn(std::string_view token, std::string_view param, std::string_view code) {
  if (strict_ && refused()) return;
  if (strict_)
    return refuse(
        param, code,
        fmt::format("'{}' cannot be carried over to the Claude API as it is: {} (strict).", param,
                    token));
  add_warning(token);
}

void Report::add_warning(std::string_view warning) { add_once(plan_.warnings, warning); }

void Report::refuse(std::string_view param, std::string_view code, std::string message) {
  if (error_) return;
  error_ = Error{ErrorKind::kInvalidRequest, message_of(std::move(message)), param_of(param),
                 std::string(code)};
}

void Report::refuse_missing(std::string_view param, std::string message) {
  if (error_) return;
  error_ = Error{ErrorKind::kNotFound, message_of(std::move(message)), param_of(param), ""};
}

std::string Report::param_of(std::string_view param) const {
  return std::string(response_ ? "previous_response_id" : param.substr(0, kMaxParam));
}

std::string Report::message_of(std::string message) const {
  if (!response_ || response_->empty()) return message;
  return fmt::format("{} (This was found in the response '{}'.)", message,
                     response_->substr(0, kMaxParam));
}

void Report::refuse_type(std::string_view param, std::string_view expected) {
  if (refused()) return;
  refuse(param, "invalid_type",
         fmt::format("Invalid type for '{}': expected {}.", param, expected));
}

}  // namespace ccproxy::dialect
