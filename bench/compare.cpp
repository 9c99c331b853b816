// Measures CCProxy and nginx in front of the same simulated upstream, in one run: CPU time per
// request and per server-sent event, memory at rest, time to start. The rounds of the two
// alternate, and their ratio is the result, since machines differ.
//
//   compare [--requests N] [--streams N]

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "load.hpp"
#include "programs.hpp"
#include "support/process.hpp"

namespace {

using ccproxy::bench::cpu_ns;
using ccproxy::bench::first_child;
using ccproxy::bench::Folder;
using ccproxy::bench::Load;
using ccproxy::bench::memory_kib;
using ccproxy::bench::Outcome;
using ccproxy::bench::port_of;
using ccproxy::bench::run_load;
using ccproxy::test::Process;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRounds = 3;
constexpr std::size_t kEvents = 100;  // text deltas in a stream

// Returns the mock's script: a whole message of about 1 KB, and a stream whose events are sent one
// by one, a little apart, as a model writes them.
std::string script() {
  std::string words;
  for (std::size_t i = 0; i < 100; ++i) words += "some text ";
  return fmt::format(
      R"({{"replies":[{{"match":{{"stream":false}},"text":"{0}"}},)"
      R"({{"match":{{"stream":true}},"pace":2,"blocks":[{{"deltas":["some text "],"repeat":{1}}}]}}]}})",
      words, kEvents);
}

std::string nginx_conf(const std::string& folder, int port, int upstream) {
  return fmt::format(
      "worker_processes 1;\ndaemon off;\npid {0}/nginx.pid;\nerror_log stderr error;\n"
      "events {{ worker_connections 1024; }}\nhttp {{\n"
      "  access_log /dev/null;\n  client_body_temp_path {0};\n  proxy_temp_path {0};\n"
      "  fastcgi_temp_path {0};\n  uwsgi_temp_path {0};\n  scgi_temp_path {0};\n"
      "  keepalive_requests 1000000;\n"
      "  upstream mock {{ server 127.0.0.1:{2}; keepalive 128; keepalive_requests 1000000; }}\n"
      "  server {{\n    listen 127.0.0.1:{1};\n    location / {{\n"
      "      proxy_pass http://mock;\n      proxy_http_version 1.1;\n"
      "      proxy_set_header Connection \"\";\n      proxy_buffering off;\n"
      "      client_max_body_size 32m;\n    }}\n  }}\n}}\n",
      folder, port, upstream);
}

int free_port() {
  // The mock takes any free port and ends. The port then stays free for a while.
  Process mock(CCPROXY_BINARY, {"mock", "--port", "0", "--quiet"}, {});
  return port_of(mock);
}

struct Contender {
  std::string name;
  int port;
  pid_t pid;
  std::vector<double> request_ns{}, event_ns{};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

bool measure(Contender& contender, const Load& load, std::size_t per_request,
             std::vector<double>& into) {
  const double before = cpu_ns(contender.pid);
  const Outcome outcome = run_load(load);
  const double spent = cpu_ns(contender.pid) - before;
  into.push_back(spent / static_cast<double>(load.requests * per_request));
  if (outcome.complete == load.requests) return true;
  fmt::print("{}: {} of {} replies were not complete\n", contender.name,
             load.requests - outcome.complete, load.requests);
  return false;
}

// Returns the milliseconds from the start of the program until it listens; -1 when it does not.
double cold_start_ms(int upstream) {
  const auto begin = Clock::now();
  Process proxy(
      CCPROXY_BINARY,
      {"start", "--port", "0", "--upstream", fmt::format("http://127.0.0.1:{}", upstream)},
      {{"CCPROXY_HOME", "/nonexistent"}, {"ANTHROPIC_API_KEY", "bench"}});
  while (proxy.output().find("listening on") == std::string::npos)
    if (Clock::now() - begin > std::chrono::seconds(10)) return -1;
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

void print_row(const std::string& what, double ours, double theirs, const char* unit) {
  fmt::print("{:<34} {:>10.2f} {:>10.2f}  {}  ratio {:.2f}\n", what, ours, theirs, unit,
             ours / theirs);
}

std::size_t argument(int argc, char** argv, std::string_view name, std::size_t fallback) {
  for (int i = 1; i + 1 < argc; ++i)
    if (argv[i] == name) return std::strtoul(argv[i + 1], nullptr, 10);
  return fallback;
}

int compare(std::size_t requests, std::size_t streams) {
  const Folder folder;
  folder.write("script.json", script());
  Process mock(CCPROXY_BINARY,
               {"mock", "--port", "0", "--quiet", "--pace", "none", "--script",
                folder.path + "/script.json"},
               {});
  const int upstream = port_of(mock);

  Process proxy(
      CCPROXY_BINARY,
      {"start", "--port", "0", "--upstream", fmt::format("http://127.0.0.1:{}", upstream)},
      {{"CCPROXY_HOME", folder.path}, {"ANTHROPIC_API_KEY", "bench"}});
  const int nginx_port = free_port();
  folder.write("nginx.conf", nginx_conf(folder.path, nginx_port, upstream));
  Process nginx("/usr/sbin/nginx", {"-p", folder.path, "-c", folder.path + "/nginx.conf"}, {});
  Contender ours{"ccproxy", port_of(proxy), proxy.pid()};
  std::this_thread::sleep_for(
      std::chrono::milliseconds(300));  // nginx prints nothing when it is up
  Contender theirs{"nginx", nginx_port, first_child(nginx.pid())};
  if (theirs.pid <= 0) {
    fmt::print("nginx did not start: {}\n", nginx.errors());
    return 1;
  }
  const long idle_ours = memory_kib(ours.pid, "RssAnon");
  const long idle_theirs = memory_kib(theirs.pid, "RssAnon");

  bool all_complete = true;
  const std::string question(800, 'x');
  const std::string body = R"({"model":"claude-sonnet-5","max_tokens":100,"stream":)";
  const std::string rest =
      fmt::format(R"(,"messages":[{{"role":"user","content":"{}"}}]}})", question);
  for (std::size_t round = 0; round <= kRounds; ++round)
    for (Contender* contender : {&ours, &theirs}) {
      Load json{static_cast<std::uint16_t>(contender->port), body + "false" + rest, "}", 0, 16,
                round == 0 ? requests / 10 : requests};
      Load sse{static_cast<std::uint16_t>(contender->port),
               body + "true" + rest,
               "{\"type\":\"message_stop\"}\n\n",
               0,
               16,
               round == 0 ? 16 : streams};
      std::vector<double> warm_up;
      all_complete = measure(*contender, json, 1, round == 0 ? warm_up : contender->request_ns) &&
                     all_complete;
      all_complete =
          measure(*contender, sse, kEvents + 5, round == 0 ? warm_up : contender->event_ns) &&
          all_complete;
    }

  std::vector<double> starts;
  for (int i = 0; i < 9; ++i) starts.push_back(cold_start_ms(upstream));

  fmt::print("{:<34} {:>10} {:>10}\n", "", "ccproxy", "nginx");
  print_row("CPU a request (1 KB JSON)", median(ours.request_ns) / 1000,
            median(theirs.request_ns) / 1000, "us");
  print_row("CPU a server-sent event", median(ours.event_ns) / 1000, median(theirs.event_ns) / 1000,
            "us");
  print_row("anonymous memory at rest", static_cast<double>(idle_ours),
            static_cast<double>(idle_theirs), "KiB");
  fmt::print("{:<34} {:>10.2f} {:>10}  ms\n", "cold start", median(starts), "");
  fmt::print("every reply was complete: {}\n", all_complete ? "yes" : "NO");
  return all_complete ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return compare(argument(argc, argv, "--requests", 10000), argument(argc, argv, "--streams", 64));
}
