// Measures the largest requests: the peak memory of a request on the chat route as a multiple of
// its body, and whether its time is linear in its size. Each shape gets a new proxy, because the
// peak of a process never falls. Exits with 1 when a limit is exceeded.
#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "load.hpp"
#include "micro/samples.hpp"
#include "programs.hpp"

namespace ccproxy::bench {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;
constexpr std::size_t kSmall = 4 * kMegabyte, kLarge = 28 * kMegabyte;  // upstream takes 32 MB
constexpr double kMaxForTexts = 3, kMaxForAll = 6;                      // multiples of the body

struct Shape {
  std::string name;
  double limit;  // of the memory, a multiple of the body
  std::function<std::string(std::size_t bytes)> make;
};

std::vector<Shape> shapes() {
  return {
      {"one text", kMaxForTexts, text_request},
      {"one picture", kMaxForTexts, image_request},
      {"a text of escapes", kMaxForTexts, escapes_request},
      {"an agent's history", kMaxForAll, agent_request},
      {"10,000 messages", kMaxForAll,
       [](std::size_t all) { return messages_request(all, 10'000); }},
      {"1,000 tools", kMaxForAll, [](std::size_t all) { return tools_request(all, 1'000); }},
      {"messages of 20 bytes", kMaxForAll,
       [](std::size_t all) { return messages_request(all / 5, all / 100); }},
      {"tools of 8 bytes", kMaxForAll,
       [](std::size_t all) { return tools_request(all / 20, all / 160); }},
  };
}

struct Cost {
  double bytes, memory, cpu_ms;
};

Cost cost_of(const std::string& body, int upstream, const Folder& home) {
  test::Process proxy(
      CCPROXY_BINARY,
      {"start", "--port", "0", "--upstream", fmt::format("http://127.0.0.1:{}", upstream)},
      {{"CCPROXY_HOME", home.path}, {"ANTHROPIC_API_KEY", "bench"}});
  Load load{static_cast<std::uint16_t>(port_of(proxy)),
            text_request(100),
            "",
            0,
            1,
            1,
            "/v1/chat/completions"};
  if (run_load(load).complete != 1) throw std::runtime_error("the proxy does not reply");
  const double memory = static_cast<double>(memory_kib(proxy.pid(), "VmHWM"));
  const double cpu = cpu_ns(proxy.pid());
  load.body = body;
  if (run_load(load).complete != 1)
    throw std::runtime_error("a large request got no complete reply: " + proxy.errors());
  return {static_cast<double>(body.size()),
          (static_cast<double>(memory_kib(proxy.pid(), "VmHWM")) - memory) * 1024,
          (cpu_ns(proxy.pid()) - cpu) / 1e6};
}

bool measure(const Shape& shape, int upstream, const Folder& home) {
  const Cost small = cost_of(shape.make(kSmall), upstream, home);
  const Cost large = cost_of(shape.make(kLarge), upstream, home);
  const double times = large.memory / large.bytes;
  const bool holds = times <= shape.limit;
  fmt::print("{:<22} {:>6.1f} {:>9.2f} {:>7} {:>12.2f} {:>12.2f}{}\n", shape.name,
             large.bytes / kMegabyte, times, shape.limit, small.cpu_ms * kMegabyte / small.bytes,
             large.cpu_ms * kMegabyte / large.bytes, holds ? "" : "  too much");
  return holds;
}

bool measure_all() {
  const Folder home;
  test::Process mock(CCPROXY_BINARY, {"mock", "--port", "0", "--quiet", "--pace", "none"}, {});
  const int upstream = port_of(mock);
  fmt::print("{:<22} {:>6} {:>9} {:>7} {:>12} {:>12}\n", "", "MiB", "x body", "limit", "ms/MiB (4)",
             "ms/MiB (28)");
  bool all_hold = true;
  for (const Shape& shape : shapes()) {
    all_hold = measure(shape, upstream, home) && all_hold;
    std::fflush(stdout);
  }
  return all_hold;
}

}  // namespace
}  // namespace ccproxy::bench

int main() { return ccproxy::bench::measure_all() ? 0 : 1; }
