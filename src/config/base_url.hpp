// The address of an upstream, in its parts. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy::config {

struct BaseUrl {
  bool tls = true;
  std::string host;  // without brackets
  std::uint16_t port = 443;
  std::string path_prefix;  // such as /anthropic; no slash at its end
  std::string host_header;  // host and, where it is not the scheme's own, port
};

// http or https, a host, perhaps a port and a path. Fails with kConfiguration, naming
// upstream.baseUrl, for anything else: user names, queries and fragments have no place there.
[[nodiscard]] Result<BaseUrl> parse_base_url(std::string_view url);

// What stands before the paths of the provider's API there, which begin with /v1: people write the
// address of an upstream with its /v1, too.
[[nodiscard]] std::string api_prefix(const BaseUrl& url);

}  // namespace ccproxy::config
