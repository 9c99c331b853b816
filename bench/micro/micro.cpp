// Measures the translation alone: decoding a request and encoding an event of a response. Every
// result has a limit, and a run that exceeds one fails.
//
//   ./dev bench micro                       all
//   ./dev bench micro --benchmark_filter=decode
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <string>

#include "anthropic/event.hpp"
#include "anthropic/models.hpp"
#include "anthropic/models_data.hpp"
#include "anthropic/surrogate_filter.hpp"
#include "dialect/chat/encoder.hpp"
#include "dialect/chat/request.hpp"
#include "dialect/responses/encoder.hpp"
#include "http/sse.hpp"
#include "json/outline.hpp"
#include "micro/samples.hpp"

namespace {

std::atomic<std::size_t> allocations = 0;  // NOLINT(readability-identifier-naming)

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace ccproxy::bench {
namespace {

// The limits that the project holds itself to.
constexpr double kMaxDecode = 40e-6;  // seconds for 64 KB
constexpr double kMaxEvent = 1.5e-6;  // seconds
constexpr double kMinTime = 2;        // seconds: long enough for a quiet moment of the machine

// Decodes requests; holds what the decoder needs beside the request.
class Decoding {
 public:
  dialect::Decoded operator()(const std::string& body) {
    if (!outline_.read(body)) std::abort();
    const auto model = dialect::requested_model(outline_, options_.default_model);
    const dialect::RequestContext context{
        .requested = *model, .model = model->name, .can = can_, .options = options_};
    auto decoded = dialect::decode_chat(outline_, context);
    outline_.clear();
    if (!decoded) std::abort();
    return std::move(*decoded);
  }

 private:
  anthropic::ModelTable models_ = *anthropic::parse_models(anthropic::kModelsJson);
  anthropic::Capabilities can_ = anthropic::capabilities_of(*models_.family_of("claude-sonnet-5"));
  TranslationOptions options_;
  json::Outline outline_;
};

// Fails the run when a round takes longer than `limit` seconds. The fastest group of rounds counts,
// since other programs can only make it slower.
void measure(benchmark::State& state, double limit, const std::function<void()>& round) {
  double best = 1;
  constexpr int kGroup = 100;
  while (state.KeepRunningBatch(kGroup)) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kGroup; ++i) round();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count() / kGroup);
    state.SetIterationTime(took.count());
  }
  state.counters["best_us"] = best * 1e6;
  state.counters["limit_us"] = limit * 1e6;
  if (best > limit)
    state.SkipWithError(
        fmt::format("{:.2f} us: slower than its limit of {:.2f} us", best * 1e6, limit * 1e6)
            .c_str());
}

void decode_64_kb(benchmark::State& state) {
  const std::string body = agent_request(std::size_t{64} << 10);
  Decoding decode;
  const std::size_t before = allocations;
  benchmark::DoNotOptimize(decode(body));
  state.counters["allocations"] = static_cast<double>(allocations - before);
  measure(state, kMaxDecode, [&] { benchmark::DoNotOptimize(decode(body)); });
}
BENCHMARK(decode_64_kb)->UseManualTime()->Unit(benchmark::kMicrosecond)->MinTime(kMinTime);

dialect::ReplyPlan stream_plan() {
  dialect::ReplyPlan plan{.model = "m", .model_sent = "m", .stream = true};
  plan.tools.push_back({"p", "p", dialect::ToolShape::kCustom});
  return plan;
}

// Feeds an encoder the first events of a response, and then one event again and again.
void encode(benchmark::State& state, dialect::ReplyEncoder& encoder, const std::string& opening,
            const std::string& event, bool may_allocate) {
  http::SseReader sse(1 << 20);
  anthropic::EventReader reader;
  anthropic::SurrogateFilter whole;
  std::string out;
  const auto feed = [&](const std::string& bytes) {
    sse.feed(bytes);
    while (const auto next = sse.next()) {
      const auto read = anthropic::read_event(reader, next->name, next->data);
      whole.pass(*read, [&](const auto& event) { encoder.on(event, out); });
    }
    out.clear();
  };
  feed(R"(data: {"type":"message_start","message":{"usage":{"input_tokens":1}}})"
       "\n\n");
  feed(opening);
  for (int i = 0; i < 4; ++i) feed(event);
  const std::size_t before = allocations;
  for (int i = 0; i < 100; ++i) feed(event);
  const std::size_t allocated = allocations - before;
  state.counters["allocations"] = static_cast<double>(allocated) / 100;
  measure(state, kMaxEvent, [&] { feed(event); });
  if (!may_allocate && allocated > 0) state.SkipWithError("an event allocates");
}

void encode_chat_event(benchmark::State& state, const std::string& opening,
                       const std::string& event) {
  const dialect::ReplyPlan plan = stream_plan();
  const auto encoder = dialect::make_chat_encoder(plan, {"chatcmpl-1", 1});
  encode(state, *encoder, opening, event, false);
}

// A response repeats its whole output at its end, so its memory grows with every event.
void encode_response_event(benchmark::State& state, const std::string& opening,
                           const std::string& event) {
  const dialect::ReplyPlan plan = stream_plan();
  dialect::ResponsesEncoder encoder(plan, {"resp_5f0c2f6d9a3e4b1c8d7e6f5a4b3c2d1e", 1}, nullptr,
                                    [] { return std::int64_t{1}; });
  encode(state, encoder, opening, event, true);
}

const std::string kText =
    "event: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" a few more words"}})"
    "\n\n";
const std::string kTextOpening =
    R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"
    "\n\n";
const std::string kInput =
    "event: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"a few \\\"more\\\" words"}})"
    "\n\n";

std::string call_opening(const std::string& name) {
  return R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":")" +
         name + R"(","input":{}}})" + "\n\n" +
         R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"input\":\""}})" +
         "\n\n";
}

BENCHMARK_CAPTURE(encode_chat_event, text, kTextOpening, kText)->UseManualTime()->MinTime(kMinTime);
BENCHMARK_CAPTURE(encode_chat_event, arguments, call_opening("f"), kInput)
    ->UseManualTime()
    ->MinTime(kMinTime);
BENCHMARK_CAPTURE(encode_chat_event, custom_input, call_opening("p"), kInput)
    ->UseManualTime()
    ->MinTime(kMinTime);

BENCHMARK_CAPTURE(encode_response_event, text, kTextOpening, kText)
    ->UseManualTime()
    ->Iterations(20'000);
BENCHMARK_CAPTURE(encode_response_event, arguments, call_opening("f"), kInput)
    ->UseManualTime()
    ->Iterations(20'000);
BENCHMARK_CAPTURE(encode_response_event, custom_input, call_opening("p"), kInput)
    ->UseManualTime()
    ->Iterations(20'000);

std::string short_messages(std::size_t bytes) { return messages_request(bytes / 2, bytes / 80); }
std::string small_tools(std::size_t bytes) { return tools_request(bytes / 8, bytes / 125); }

// Decoding must be linear: a megabyte costs the same in a small body and in a large one.
void decode_large(benchmark::State& state, std::string (*make)(std::size_t)) {
  const std::string body = make(static_cast<std::size_t>(state.range(0)) << 20);
  Decoding decode;
  for (auto _ : state) benchmark::DoNotOptimize(decode(body));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK_CAPTURE(decode_large, text, text_request)->Arg(1)->Arg(8)->Arg(30);
BENCHMARK_CAPTURE(decode_large, image, image_request)->Arg(1)->Arg(8)->Arg(30);
BENCHMARK_CAPTURE(decode_large, agent, agent_request)->Arg(1)->Arg(8)->Arg(30);
BENCHMARK_CAPTURE(decode_large, messages, short_messages)->Arg(1)->Arg(8)->Arg(30);
BENCHMARK_CAPTURE(decode_large, tools, small_tools)->Arg(1)->Arg(8)->Arg(30);
BENCHMARK_CAPTURE(decode_large, escapes, escapes_request)->Arg(1)->Arg(8)->Arg(30);

}  // namespace
}  // namespace ccproxy::bench

BENCHMARK_MAIN();
