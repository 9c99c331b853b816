#include "http/head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "base/text.hpp"

namespace ccproxy::http {

std::optional<std::string_view> Head::find(std::string_view name) const {
  for (const Field& field : fields)
    if (same_text(field.name, name)) return field.value;
  return std::nullopt;
}

std::string_view Head::get(std::string_view name) const { return find(name).value_or(""); }

bool Head::lists(std::string_view name, std::string_view item) const {
  for (const Field& field : fields)
    if (same_text(field.name, name) && list_names(field.value, item)) return true;
  return false;
}

RequestHead copy_of(const RequestHead& head) {
  std::size_t size =
      head.method.size() + head.target.size() + head.scheme.size() + head.authority.size();
  for (const Field& field : head.fields) size += field.name.size() + field.value.size();
  RequestHead copy;
  copy.bytes = std::make_unique<char[]>(size);
  copy.version = head.version;
  char* to = copy.bytes.get();
  const auto store = [&to](std::string_view text) {
    char* const begin = to;
    to = std::copy(text.begin(), text.end(), begin);
    return std::string_view(begin, text.size());
  };
  copy.method = store(head.method);
  copy.target = store(head.target);
  copy.scheme = store(head.scheme);
  copy.authority = store(head.authority);
  copy.fields.reserve(head.fields.size());
  for (const Field& field : head.fields) {
    const std::string_view name = store(field.name);
    copy.fields.push_back({name, store(field.value)});
  }
  return copy;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_chunk_line(std::string& out, std::size_t size) {
  std::array<char, 2 * sizeof size> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), size, 16).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += "\r\n";
}

std::string http_date(WallClock::time_point when) {
  const std::time_t seconds = WallClock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 529: return "Overloaded";  // the Claude API's own
    default: return "Status";
  }
}

}  // namespace ccproxy::http
