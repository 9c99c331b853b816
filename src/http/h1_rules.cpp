#include "http/h1_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace ccproxy::http {
namespace {

constexpr std::array<std::string_view, 7> kMethods = {"GET",    "POST",    "HEAD", "PUT",
                                                      "DELETE", "OPTIONS", "PATCH"};

bool is_target(std::string_view target) {
  return target.starts_with('/') && std::all_of(target.begin(), target.end(), [](char c) {
           return c >= 0x21 && c <= 0x7e && c != '#';
         });
}

bool is_host(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:[]%").find(c) != std::string_view::npos;
  });
}

struct FramingFields {
  std::optional<std::string_view> content_length, transfer_encoding, host;
  bool repeated = false;
};

FramingFields framing_fields(const Head& head) {
  FramingFields found;
  const auto note = [&](std::optional<std::string_view>& place, std::string_view value) {
    found.repeated = found.repeated || place.has_value();
    place = value;
  };
  for (const Field& field : head.fields) {
    if (same_text(field.name, "content-length")) note(found.content_length, field.value);
    if (same_text(field.name, "transfer-encoding")) note(found.transfer_encoding, field.value);
    if (same_text(field.name, "host")) note(found.host, field.value);
  }
  return found;
}

// The framing according to the fields; kNone when they have none. The error says what is wrong.
tl::expected<Framing, std::string> framing_of(const Head& head, const FramingFields& fields) {
  const auto wrong = [](const char* what) { return tl::unexpected<std::string>(what); };
  if (fields.repeated) return wrong("Host, Content-Length or Transfer-Encoding stands there twice");
  if (fields.transfer_encoding) {
    if (fields.content_length) return wrong("Content-Length and Transfer-Encoding together");
    if (head.version != 11) return wrong("Transfer-Encoding in HTTP/1.0");
    if (!same_text(*fields.transfer_encoding, "chunked"))
      return wrong("a Transfer-Encoding other than chunked");
    return Framing{BodyKind::kChunked, 0};
  }
  if (!fields.content_length) return Framing{};
  const auto length = parse_decimal(*fields.content_length);
  if (!length) return wrong("a Content-Length that is not a plain number");
  return Framing{BodyKind::kLength, *length};
}

}  // namespace

Result<std::optional<std::size_t>> HeadScan::find_end(std::string_view bytes) {
  const auto refuse = [](const char* what) {
    return fail(ErrorKind::kInvalidRequest, fmt::format("malformed HTTP head: {}", what));
  };
  while (scanned_ < bytes.size()) {
    const auto end = bytes.find('\n', scanned_);
    if (line_ < bytes.size() && line_ != 0 && (bytes[line_] == ' ' || bytes[line_] == '\t'))
      return refuse("a line that starts with a blank");
    if (end == std::string_view::npos) break;
    if (end >= limit_) break;
    if (end == line_ || bytes[end - 1] != '\r') return refuse("a line that ends without CR LF");
    scanned_ = end + 1;
    if (end - 1 == line_) return std::optional<std::size_t>(scanned_);
    line_ = scanned_;
  }
  if (bytes.size() > limit_)
    return fail(ErrorKind::kHeadTooLarge,
                fmt::format("the request head is larger than {} bytes (limits.headBytes)", limit_));
  scanned_ = std::max(scanned_, bytes.size());
  return std::optional<std::size_t>();
}

void split_absolute_target(RequestHead& head) {
  constexpr std::string_view kBorder = "://";
  const auto border = head.target.find(kBorder);
  if (border == std::string_view::npos || border == 0 || border > head.target.find('/')) return;
  const std::string_view rest = head.target.substr(border + kBorder.size());
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  head.scheme = head.target.substr(0, border);
  head.authority = rest.substr(0, end);
  head.target = end == rest.size() ? "/" : rest.substr(end);
}

std::string_view path_in(std::string_view bytes) {
  std::string_view line = bytes.substr(0, bytes.find('\n'));
  const auto begin = line.find(' ');
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin + 1);
  const auto end = line.find_first_of(" ?\r");
  if (end == std::string_view::npos) return {};  // the path may be incomplete
  RequestHead head;
  head.target = line.substr(0, end);
  split_absolute_target(head);
  return head.target.starts_with('/') ? head.target : std::string_view{};
}

Result<Framing> check_request(const RequestHead& head) {
  const auto refuse = [](std::string_view what) {
    return fail(ErrorKind::kInvalidRequest, fmt::format("malformed HTTP request: {}", what));
  };
  if (std::find(kMethods.begin(), kMethods.end(), head.method) == kMethods.end())
    return refuse("unknown method");
  if (!is_target(head.target)) return refuse("the target is not an absolute path");
  if (head.fields.size() > kMaxFields) return refuse("more than 100 fields");
  const FramingFields fields = framing_fields(head);
  if (!fields.host && head.version == 11) return refuse("no Host");
  if (fields.host && !is_host(*fields.host)) return refuse("an invalid Host");
  auto framing = framing_of(head, fields);
  if (!framing) return refuse(framing.error());
  if (framing->kind == BodyKind::kLength && framing->length == 0) return Framing{};
  return *framing;
}

Result<Framing> check_response(const ResponseHead& head, bool is_head_request) {
  const auto refuse = [](std::string_view what) {
    return fail(ErrorKind::kUpstreamBroke, fmt::format("the upstream broke HTTP: {}", what));
  };
  if (head.status < 100 || head.status > 599) return refuse("a status outside 100 to 599");
  if (head.fields.size() > kMaxFields) return refuse("more than 100 fields");
  FramingFields fields = framing_fields(head);
  auto framing = framing_of(head, fields);
  if (!framing) return refuse(framing.error());
  if (is_head_request || head.status < 200 || head.status == 204 || head.status == 304)
    return Framing{};
  if (!fields.content_length && !fields.transfer_encoding) return Framing{BodyKind::kUntilClose, 0};
  if (framing->kind == BodyKind::kLength && framing->length == 0) return Framing{};
  return *framing;
}

bool keeps_alive(const Head& head) {
  if (head.lists("connection", "close")) return false;
  return head.version == 11 || head.lists("connection", "keep-alive");
}

}  // namespace ccproxy::http
