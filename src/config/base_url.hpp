// Splits the address of an upstream into its parts. Pure functions.
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
  std::string path_prefix;  // such as /anthropic, without a slash at its end
  std::string host_header;  // the host, and the port where it is not the scheme's default
};

// Parses an http or https URL with a host and perhaps a port and a path. Fails with kConfiguration,
// naming upstream.baseUrl, for anything else, such as user names, queries and fragments.
[[nodiscard]] Result<BaseUrl> parse_base_url(std::string_view url);

// Returns what precedes the paths of the provider's API, which begin with /v1, at that upstream.
// Its configured address may end in /v1, too.
[[nodiscard]] std::string api_prefix(const BaseUrl& url);

}  // namespace ccproxy::config
