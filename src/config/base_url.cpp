#include "config/base_url.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace ccproxy::config {
namespace {

tl::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorKind::kConfiguration,
              fmt::format("upstream.baseUrl must be like https://host, https://host:port or "
                          "https://host/path: {}",
                          what));
}

bool is_host(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:").find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<BaseUrl> parse_base_url(std::string_view text) {
  BaseUrl url;
  std::string_view rest = text;
  if (starts_with_text(rest, "https://")) {
    rest.remove_prefix(8);
  } else if (starts_with_text(rest, "http://")) {
    rest.remove_prefix(7);
    url.tls = false;
    url.port = 80;
  } else {
    return wrong("it does not begin with http:// or https://");
  }
  if (rest.find_first_of("?#@ \t\r\n\\") != std::string_view::npos)
    return wrong("a user name, query, fragment or blank has no place in it");

  const auto slash = rest.find('/');
  if (slash != std::string_view::npos) url.path_prefix = rest.substr(slash);
  while (url.path_prefix.ends_with('/')) url.path_prefix.pop_back();
  if (!std::all_of(url.path_prefix.begin(), url.path_prefix.end(),
                   [](char c) { return c > 0x20 && c < 0x7f; }))
    return wrong("its path holds characters that must be written with %");
  std::string_view authority = rest.substr(0, slash);

  const bool is_v6 = authority.starts_with('[');
  const auto host_end = is_v6 ? authority.find(']') : authority.find(':');
  if (is_v6 && host_end == std::string_view::npos) return wrong("a bracket is open");
  url.host = is_v6 ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  if (!is_host(url.host) || is_v6 != (url.host.find(':') != std::string::npos))
    return wrong("its host name is not valid");
  url.host_header = is_v6 ? fmt::format("[{}]", url.host) : url.host;

  std::string_view behind =
      host_end == std::string_view::npos ? "" : authority.substr(host_end + (is_v6 ? 1 : 0));
  if (behind.empty()) return url;
  const auto port = behind.starts_with(':') ? parse_decimal(behind.substr(1)) : std::nullopt;
  if (!port || *port == 0 || *port > 65535) return wrong("its port is not a number up to 65535");
  const bool is_usual = *port == url.port;
  url.port = static_cast<std::uint16_t>(*port);
  if (!is_usual) url.host_header += fmt::format(":{}", url.port);
  return url;
}

std::string api_prefix(const BaseUrl& url) {
  constexpr std::string_view kVersion = "/v1";
  std::string prefix = url.path_prefix;
  if (prefix.ends_with(kVersion)) prefix.resize(prefix.size() - kVersion.size());
  while (prefix.ends_with('/')) prefix.pop_back();
  return prefix;
}

}  // namespace ccproxy::config
