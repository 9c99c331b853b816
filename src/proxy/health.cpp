#include "proxy/health.hpp"

#include <chrono>

#include "json/writer.hpp"

namespace ccproxy::proxy {

std::string health(const Shared& shared) {
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - shared.started);
  const bool ready = shared.credentials.current().has_value();
  std::string body;
  json::Writer writer(body);
  writer.begin_object()
      .member("status", "ok")
      .member("version", shared.version)
      .member("uptime_seconds", uptime.count());
  writer.key("credential")
      .begin_object()
      .member("kind", shared.credentials.kind_name())
      .member("state", ready ? "ready" : "missing")
      .end_object();
  writer.member("in_flight", shared.in_flight.load() - 1);  // this very request does not count
  writer.end_object();
  return body;
}

}  // namespace ccproxy::proxy
