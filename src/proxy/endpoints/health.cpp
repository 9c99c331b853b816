#include "proxy/endpoints/health.hpp"

#include <chrono>
#include <utility>

#include "json/writer.hpp"
#include "proxy/state/worker_state.hpp"

namespace ccproxy::proxy {
namespace {

void write_credential(json::Writer& writer, const auth::CredentialStatus& credential) {
  writer.begin_object()
      .member("kind", auth::kind_of(credential))
      .member("source", auth::name_of(credential.source))
      .member("state", auth::name_of(credential.state));
  if (credential.expires) writer.member("expires", unix_milliseconds(*credential.expires));
  if (credential.unsaved) writer.member("unsaved", true);
  if (!credential.failure.empty()) writer.member("failure", credential.failure);
  writer.end_object();
}

void write_limits(json::Writer& writer, const SeenRateLimits& limits) {
  writer.begin_object().member("seen", unix_milliseconds(limits.seen));
  writer.key("fields").begin_object();
  for (const auto& [name, value] : limits.fields) writer.member(name, value);
  writer.end_object().end_object();
}

}  // namespace

std::string health_body(const Health& health) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(health.uptime);
  std::string body;
  json::Writer writer(body);
  writer.begin_object()
      .member("status", "ok")
      .member("version", health.version)
      .member("uptime_seconds", uptime.count());
  writer.key("credential");
  write_credential(writer, health.credential);
  if (health.limits) {
    writer.key("limits");
    write_limits(writer, *health.limits);
  }
  writer.member("in_flight", health.in_flight).end_object();
  return body;
}

std::string health(const Shared& shared) {
  const auto credential = shared.credentials.credential_status();
  return health_body({shared.version, Clock::now() - shared.started, *credential,
                      shared.limits.seen(), shared.in_flight.load() - 1});
}

}  // namespace ccproxy::proxy
