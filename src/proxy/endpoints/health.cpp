#include "proxy/endpoints/health.hpp"

#include <chrono>

#include "json/writer.hpp"

namespace ccproxy::proxy {
std::string health(const Shared& shared) {
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - shared.started);
  const auto credential_status = shared.credentials.credential_status();
  std::string body;
  json::Writer writer(body);
  writer.begin_object()
      .member("status", "ok")
      .member("version", shared.version)
      .member("uptime_seconds", uptime.count());
  writer.key("credential")
      .begin_object()
      .member("kind", auth::kind_of(*credential_status))
      .member("source", auth::name_of(credential_status->source))
      .member("state", auth::name_of(credential_status->state));
  if (credential_status->expires)
    writer.member("expires", unix_milliseconds(*credential_status->expires));
  if (credential_status->unsaved) writer.member("unsaved", true);
  if (!credential_status->failure.empty()) writer.member("failure", credential_status->failure);
  writer.end_object();
  if (const auto seen = shared.limits.seen()) {
    writer.key("limits").begin_object().member("seen", unix_milliseconds(seen->seen));
    writer.key("fields").begin_object();
    for (const auto& [name, value] : seen->fields) writer.member(name, value);
    writer.end_object().end_object();
  }
  writer.member("in_flight", shared.in_flight.load() - 1);  // this very request does not count
  writer.end_object();
  return body;
}

}  // namespace ccproxy::proxy
