#include "proxy/door/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "dialect/error.hpp"
#include "net/crypto.hpp"

namespace ccproxy::proxy {
namespace {

bool is_name(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_address_v6(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

bool is_port(std::string_view port) {
  return port.empty() || (port.size() <= 5 && parse_decimal(port).value_or(65'536) <= 65'535);
}

// The host of a Host value or an origin's authority, without its port and brackets (RFC 3986, 3.2).
// Nothing unless the whole text is a host with at most a port: another reader of any other text
// might see another host in it.
std::optional<std::string_view> host_of(std::string_view authority) {
  const bool is_v6 = authority.starts_with('[');
  if (is_v6) authority.remove_prefix(1);
  const auto* const end =
      std::find_if_not(authority.begin(), authority.end(), is_v6 ? is_address_v6 : is_name);
  const auto length = static_cast<std::size_t>(end - authority.begin());
  const std::string_view host = authority.substr(0, length);
  std::string_view rest = authority.substr(length);
  if (is_v6 && !rest.starts_with(']')) return std::nullopt;
  if (is_v6) rest.remove_prefix(1);
  const bool is_whole = rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  return is_whole && !host.empty() ? std::optional(host) : std::nullopt;
}

bool is_loopback_v4(std::string_view host) {
  if (!host.starts_with("127.")) return false;
  int parts = 0;
  for (std::string_view rest = host; !rest.empty(); ++parts) {
    const auto part = parse_decimal(take_item(rest, '.'));
    if (!part || *part > 255) return false;
  }
  return parts == 4 && !host.ends_with('.');
}

bool is_loopback(std::string_view host) {
  return same_text(host, "localhost") || host == "::1" || is_loopback_v4(host);
}

bool contains(const std::vector<std::string>& list, std::string_view value) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& item) { return same_text(item, value); });
}

bool is_known_host(std::string_view authority, const config::Config& config) {
  const auto host = host_of(authority);
  return host && (is_loopback(*host) || contains(config.server.allowed_hosts, *host) ||
                  contains(config.server.allowed_hosts, authority));
}

bool is_known_origin(std::string_view origin, const config::Config& config) {
  if (contains(config.server.allowed_origins, origin)) return true;
  const auto scheme = origin.find("://");
  return (origin.starts_with("http://") || origin.starts_with("https://")) &&
         is_known_host(origin.substr(scheme + 3), config);
}

std::string_view bearer(std::string_view authorization) {
  return starts_with_text(authorization, "bearer ") ? trim(authorization.substr(7))
                                                    : std::string_view{};
}

// The name of the proxy key that the request carries, in any of the fields that clients use.
std::optional<std::string> find_key(const http::RequestHead& head, const config::Config& config) {
  std::array<std::string_view, 4> secrets = {
      head.get("x-ccproxy-key"), head.get("api-key"), {}, {}};
  // With `credentials: client` these two carry the client's own credential for the upstream.
  if (config.credentials != config::CredentialSource::kClient) {
    secrets[2] = bearer(head.get("authorization"));
    secrets[3] = head.get("x-api-key");
  }
  std::optional<std::string> found;
  for (const std::string_view secret : secrets)
    for (const config::NamedKey& key :
         config.api_keys)  // all are compared, so the time taken tells nothing
      if (net::same_secret(secret, key.key) && !found) found = key.name;
  return found;
}

std::string_view without_default_port(std::string_view authority, std::string_view scheme) {
  const std::string_view port = same_text(scheme, "https") ? ":443" : ":80";
  if (authority.ends_with(port)) authority.remove_suffix(port.size());
  return authority;
}

// A target in absolute form must name the same server as Host (RFC 9112, 3.2.2).
Result<void> check_authority(const http::RequestHead& head) {
  if (head.scheme.empty()) return {};
  const bool is_web = same_text(head.scheme, "http") || same_text(head.scheme, "https");
  const auto host = head.find("host");
  if (is_web && (!host || same_text(without_default_port(*host, head.scheme),
                                    without_default_port(head.authority, head.scheme))))
    return {};
  return fail({ErrorKind::kInvalidRequest,
               "the request's target names another server than its Host: CCProxy is no forward "
               "proxy",
               "", std::string(dialect::kMisdirectedRequest)});
}

std::string cors_fields(std::string_view origin) {
  return fmt::format(
      "access-control-allow-origin: {}\r\nvary: origin\r\n"
      "access-control-expose-headers: *\r\n",
      origin);
}

}  // namespace

bool is_foreign_fetch(const http::RequestHead& head) {
  if (head.find("origin")) return false;  // admit() judges by that
  return std::any_of(head.fields.begin(), head.fields.end(), [](const http::Field& field) {
    return same_text(field.name, "sec-fetch-site") &&
           (same_text(field.value, "cross-site") || same_text(field.value, "same-site"));
  });
}

Result<Pass> admit(const http::RequestHead& head, const config::Config& config, bool trusted) {
  Pass pass;
  const auto origin = head.find("origin");
  if (is_foreign_fetch(head))
    return fail(ErrorKind::kForbidden,
                "a web page from elsewhere may not use CCProxy (Sec-Fetch-Site)");
  // A browser cannot open a Unix socket: a request with its fields came through a tunnel.
  trusted = trusted && !origin && !head.find("sec-fetch-site");
  if (!trusted && origin && !is_known_origin(*origin, config))
    return fail(ErrorKind::kForbidden,
                "this web page may not use CCProxy: its origin is not in server.allowedOrigins");
  if (origin && contains(config.server.allowed_origins, *origin))
    pass.cors_fields = cors_fields(*origin);

  if (auto named = check_authority(head); !named) return fail(named.error());
  if (!config.api_keys.empty()) {
    auto key = find_key(head, config);
    if (!key)
      return fail(ErrorKind::kUnauthorized,
                  config.credentials == config::CredentialSource::kClient
                      ? "a proxy key is needed (apiKeys): send it as x-ccproxy-key or api-key"
                      : "a proxy key is needed (apiKeys): send it as Authorization: Bearer, "
                        "x-api-key, api-key or x-ccproxy-key");
    pass.key_name = std::move(*key);
    return pass;  // a valid key waives the Host check: tunnels and containers use other names
  }
  const bool is_absolute = !head.scheme.empty();
  const auto host = is_absolute ? std::optional(head.authority) : head.find("host");
  if (!trusted && host && !is_known_host(*host, config))
    return fail({is_absolute ? ErrorKind::kInvalidRequest : ErrorKind::kForbidden,
                 "this Host is not answered: add it to server.allowedHosts, or use a proxy key", "",
                 is_absolute ? std::string(dialect::kMisdirectedRequest) : std::string()});
  return pass;
}

bool is_preflight(const http::RequestHead& head) {
  return head.method == "OPTIONS" && head.find("origin") &&
         head.find("access-control-request-method");
}

std::string preflight_fields(const http::RequestHead& head, const config::Config& config) {
  const std::string_view origin = head.get("origin");
  if (!contains(config.server.allowed_origins, origin)) return {};
  std::string fields = cors_fields(origin);
  http::append_field(fields, "access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  if (const auto wanted = head.find("access-control-request-headers"))
    http::append_field(fields, "access-control-allow-headers", *wanted);
  if (head.find("access-control-request-private-network"))
    http::append_field(fields, "access-control-allow-private-network", "true");
  http::append_field(fields, "access-control-max-age", "600");
  return fields;
}

}  // namespace ccproxy::proxy
