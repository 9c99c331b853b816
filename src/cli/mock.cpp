// ccproxy mock: the simulated Claude API as a program of its own, for tests and for trying things
// out (docs/mock.md). The first line on standard output is its address, so that a test can read it.
#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "cli/commands.hpp"
#include "cli/port_owner.hpp"
#include "config/environment.hpp"
#include "mock/mock_server.hpp"
#include "net/runtime.hpp"
#include "net/signals.hpp"

namespace ccproxy::cli {
namespace {

void print_line(std::string_view line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

Result<mock::Options> options_of(const MockFlags& flags) {
  mock::Options options;
  options.host = flags.host;
  options.port = flags.port;
  options.tls = flags.tls;
  if (!flags.tls && !flags.ca_out.empty())
    return fail(ErrorKind::kConfiguration, "--ca-out needs --tls");
  const auto pace = mock::pace_named(flags.pace);
  if (!pace) return fail(ErrorKind::kConfiguration, "--pace is human, events or none");
  options.pace = *pace;
  if (!flags.quiet) options.report = print_line;
  if (flags.script.empty()) return options;
  auto text = read_file(flags.script);
  if (!text) return fail(ErrorKind::kConfiguration, text.error().message);
  auto script = mock::parse_script(*text);
  if (!script) return fail(ErrorKind::kConfiguration, flags.script + ": " + script.error().message);
  options.script = std::move(*script);
  return options;
}

}  // namespace

int mock(const MockFlags& flags) {
  auto options = options_of(flags);
  if (!options) return report_error(options.error());
  net::Runtime runtime;
  mock::MockServer server(runtime, std::move(*options));
  if (auto listening = server.listen(); !listening)
    return report_error(explain_in_use(listening.error(),
                                       config::home_folder(config::read_environment()),
                                       {.port = flags.port, .host = flags.host}));
  if (!flags.ca_out.empty()) {
    auto written = replace_file(flags.ca_out, server.certificate_pem());
    if (!written) return report_error(written.error());
  }
  print_line(fmt::format("simulated Claude API on {}", server.url()));
  const net::Signals signals(runtime, [&] {
    server.stop();
    runtime.stop();
  });
  runtime.run();
  return kOk;
}

}  // namespace ccproxy::cli
