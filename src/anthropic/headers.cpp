#include "anthropic/headers.hpp"

#include <set>

#include "base/text.hpp"

namespace ccproxy::anthropic {
namespace {

// The hop-by-hop fields of RFC 9110, 7.6.1, and those of older peers.
bool is_hop_by_hop(std::string_view name) {
  // Prefixes are compared before the switch, since such names have any length.
  if (starts_with_text(name, "proxy-")) return true;
  switch (name.size()) {
    case 2: return same_text(name, "te");
    case 7: return same_text(name, "trailer") || same_text(name, "upgrade");
    case 10: return same_text(name, "connection") || same_text(name, "keep-alive");
    case 14: return same_text(name, "content-length");
    case 17: return same_text(name, "transfer-encoding");
    default: return false;
  }
}

bool is_between_client_and_us(std::string_view name) {
  if (starts_with_text(name, "x-forwarded-") || starts_with_text(name, "x-ccproxy-")) return true;
  switch (name.size()) {
    case 3: return same_text(name, "via");
    case 4: return same_text(name, "host");
    case 6: return same_text(name, "cookie") || same_text(name, "expect");
    case 7: return same_text(name, "api-key");
    case 9:
      return same_text(name, "x-api-key") || same_text(name, "forwarded") ||
             same_text(name, "x-real-ip");
    case 13: return same_text(name, "authorization");
    case 15: return same_text(name, "accept-encoding");
    default: return false;
  }
}

}  // namespace

bool forwards_request_header(std::string_view name) {
  return !is_hop_by_hop(name) && !is_between_client_and_us(name);
}

bool forwards_response_header(std::string_view name) {
  if (is_hop_by_hop(name) || starts_with_text(name, "access-control-") ||
      starts_with_text(name, "x-ccproxy-"))
    return false;
  switch (name.size()) {
    case 6: return !same_text(name, "server");
    case 7: return !same_text(name, "alt-svc");
    case 10: return !same_text(name, "set-cookie");
    case 22: return !same_text(name, "x-content-type-options");  // this program sets its own
    case 28: return !same_text(name, "cross-origin-resource-policy");
    default: return true;
  }
}

std::string merge_betas(std::span<const std::string_view> client_lines,
                        std::span<const std::string_view> added) {
  std::string merged;
  std::set<std::string_view> seen;
  const auto add = [&](std::string_view item) {
    if (item.empty() || !seen.insert(item).second) return;
    if (!merged.empty()) merged += ',';
    merged += item;
  };
  for (std::string_view line : client_lines)
    while (!line.empty()) add(take_item(line, ','));
  for (const std::string_view item : added) add(item);
  return merged;
}

}  // namespace ccproxy::anthropic
