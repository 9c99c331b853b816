#include "proxy/upstream/models.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "auth/credentials.hpp"
#include "base/status.hpp"
#include "http/fetch.hpp"
#include "net/runtime.hpp"
#include "proxy/state/upstream.hpp"
#include "proxy/state/worker_state.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kMaxList = std::size_t{4} << 20;  // bytes

}  // namespace

Task<Result<std::string>> fetch_models(WorkerState& worker, std::string_view rest,
                                       Clock::duration timeout, net::Cancellation& cancellation) {
  const auto credential_status = worker.shared.credentials.credential_status();
  if (credential_status->credential.kind != auth::CredentialKind::kApiKey)
    co_return fail(ErrorKind::kUnauthorized, "no API key is in use");
  net::Cancellation fetching;  // the deadline must not end what else `cancellation` ends
  net::Deadline deadline(worker.runtime, [&fetching] { fetching.cancel(); });
  deadline.expires_after(timeout);
  cancellation.arm([&fetching] { fetching.cancel(); });
  const std::shared_ptr<Upstream> upstream = worker.upstream;
  const std::string target = fmt::format("{}/v1/models{}", upstream->prefix, rest);
  const std::string user_agent = fmt::format("ccproxy/{}", worker.shared.version);
  const std::vector<http::Field> fields = {{"x-api-key", credential_status->credential.secret},
                                           {"anthropic-version", "2023-06-01"},
                                           {"accept-encoding", "identity"},
                                           {"user-agent", user_agent}};
  const http::OutgoingRequest request{"GET", target, fields, 0};
  auto fetched = co_await http::fetch(upstream->client, request, {}, kMaxList, fetching);
  cancellation.disarm();
  if (!fetched) co_return fail(fetched.error());
  if (fetched->head.status != status::kOk)
    co_return fail(ErrorKind::kUpstreamBroke,
                   fmt::format("the upstream's status is {}", fetched->head.status));
  co_return std::move(fetched->body);
}

}  // namespace ccproxy::proxy
