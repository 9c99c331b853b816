#include "proxy/state/upstream.hpp"

#include <utility>

#include "config/base_url.hpp"

namespace ccproxy::proxy {
namespace {

http::ClientLimits limits_of(const config::Timeouts& timeouts) {
  return {timeouts.connect,       timeouts.tls,         timeouts.first_byte,
          timeouts.idle_upstream, timeouts.write_stall, timeouts.keep_alive};
}

}  // namespace

Result<std::shared_ptr<Upstream>> make_upstream(net::Runtime& runtime,
                                                const config::Config& config) {
  auto url = config::parse_base_url(config.upstream.base_url);
  if (!url) return fail(url.error());
  std::unique_ptr<net::TlsContext> tls;
  if (url->tls) {
    auto context = net::TlsContext::client(config.upstream.ca_file);
    if (!context) return fail(context.error());
    tls = std::move(*context);
  }
  http::Origin origin{url->tls, url->host, url->port, url->host_header};
  return std::make_shared<Upstream>(runtime, std::move(origin), std::move(tls),
                                    limits_of(config.timeouts), config::api_prefix(*url));
}

bool same_upstream(const config::Config& one, const config::Config& other) {
  return one.upstream == other.upstream && one.timeouts == other.timeouts;
}

}  // namespace ccproxy::proxy
