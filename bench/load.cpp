#include "load.hpp"

#include <array>
#include <memory>
#include <string_view>

#include "http/client.hpp"
#include "net/runtime.hpp"

namespace ccproxy::bench {
namespace {

struct Run {
  const Load& load;
  http::Client& client;
  net::Runtime& runtime;
  Outcome outcome{};
  std::size_t started = 0, ended = 0;
};

Task<Result<std::string>> fetch_reply(Run& run) {
  auto call = co_await run.client.open(false);
  if (!call) co_return fail(call.error());
  const std::array<http::Field, 3> fields = {{{"content-type", "application/json"},
                                              {"anthropic-version", "2023-06-01"},
                                              {"x-api-key", "bench"}}};
  const http::OutgoingRequest request{"POST", run.load.path, fields, run.load.body.size()};
  auto sent = co_await (*call)->send(request, run.load.body, true);
  if (!sent) co_return fail(sent.error());
  auto head = co_await (*call)->read_head();
  if (!head) co_return fail(head.error());
  std::string body;
  while (true) {
    auto piece = co_await (*call)->read_body();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    body += *piece;
  }
  if (head->status != 200) co_return fail(ErrorKind::kUpstreamBroke, "not 200");
  co_return body;
}

Task<void> work(Run& run) {
  while (run.started < run.load.requests) {
    ++run.started;
    auto reply = co_await fetch_reply(run);
    const bool is_complete = reply && std::string_view(*reply).ends_with(run.load.ends_with) &&
                             (run.load.reply_size == 0 || reply->size() == run.load.reply_size);
    ++(is_complete ? run.outcome.complete : run.outcome.broken);
    if (reply) run.outcome.bytes = reply->size();
  }
  if (++run.ended == run.load.clients) run.runtime.stop();
}

}  // namespace

Outcome run_load(const Load& load) {
  net::Runtime runtime;
  http::Client client(runtime, {false, "127.0.0.1", load.port, "localhost"}, nullptr, {});
  Run run{load, client, runtime};
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < load.clients; ++i) runtime.spawn(work(run));
  runtime.run();
  run.outcome.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return run.outcome;
}

}  // namespace ccproxy::bench
