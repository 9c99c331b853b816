#include "proxy/upstream/header_trace.hpp"

#include <string>
#include <utility>

#include "proxy/state/worker_state.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::proxy {

void trace_header_names(Shared& shared, std::string_view id, std::string_view event,
                        const http::Head& head) {
  if (!shared.verbose) return;
  std::string names;
  for (const http::Field& field : head.fields) {
    if (!names.empty()) names += ',';
    names += field.name;
  }
  telemetry::Line line = shared.log.line(telemetry::Level::kInfo, event);
  line.add("id", id).add("names", names);
  shared.log.write(telemetry::Level::kInfo, std::move(line));
}

}  // namespace ccproxy::proxy
