// Nothing that reads what a client or the upstream sends may cost more than its size: one request
// would block everybody. Each reader and each encoder gets the worst inputs that are known, and
// what it takes for them is held against a bound, and against what it takes for an eighth of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "anthropic/models_data.hpp"
#include "anthropic/request.hpp"
#include "anthropic/thought_turn.hpp"
#include "anthropic/transcript.hpp"
#include "anthropic/usage.hpp"
#include "anthropic/whole_text.hpp"
#include "dialect/chat_answer.hpp"
#include "dialect/chat_request.hpp"
#include "dialect/kept_messages.hpp"
#include "dialect/remembered_turn.hpp"
#include "dialect/responses_encoder.hpp"
#include "dialect/responses_request.hpp"
#include "http/sse.hpp"
#include "json/document.hpp"
#include "tests/cost/instructions.hpp"
#include "tests/cost/shapes.hpp"

namespace ccproxy::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsInstrumented = true;
#elif defined(__has_feature)
constexpr bool kIsInstrumented =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kIsInstrumented = false;
#endif

constexpr std::size_t kMiB = std::size_t{1} << 20;
// What users run is optimised; a build for tests takes more than twice as many.
#ifdef NDEBUG
constexpr double kMostPerMiB = 150e6;
#else
constexpr double kMostPerMiB = 400e6;
#endif
// An estimate may be wrong by what a processor does in one tick instead of another.
constexpr double kMostEstimated = 4 * kMostPerMiB;
constexpr double kMostGrowth = 1.5;
// Time grows with what the caches no longer hold, up to this; a square would be 16 times as much.
constexpr double kMostEstimatedGrowth = 8;

using Reader = std::function<void(const std::string& input)>;

// --- Readers -------------------------------------------------------------------------------------

const anthropic::Capabilities& capabilities() {
  static const anthropic::ModelTable kTable =
      anthropic::parse_models(anthropic::kModelsJson).value();
  static const anthropic::Capabilities kCan =
      anthropic::capabilities_of(*kTable.family_of("claude-sonnet-5"));
  return kCan;
}

// A memory that knows nothing, and is asked all the same.
class NoTurns final : public dialect::TurnMemory {
 public:
  [[nodiscard]] Turn by_id(std::string_view) const override { return nullptr; }
  [[nodiscard]] std::vector<Turn> alike(std::uint64_t) const override { return {}; }
};

enum class Api { kChat, kResponses, kCompaction };

void decode(const std::string& input, Api api) {
  static json::Outline outline;
  if (!outline.read(input)) return;
  const auto asked = dialect::asked_model(outline, "claude-sonnet-5");
  if (!asked) return;
  const dialect::Options options;
  const NoTurns memory;
  const dialect::Past past;
  const dialect::RequestContext context{.asked = *asked,
                                        .model = "claude-sonnet-5",
                                        .can = capabilities(),
                                        .options = options,
                                        .memory = &memory,
                                        .past = &past,
                                        .keeps = true,
                                        .key = "key",
                                        .compacts = api == Api::kCompaction};
  if (api == Api::kChat) {
    (void)dialect::decode_chat(outline, context);
    return;
  }
  (void)dialect::references_of(outline.root());
  const auto decoded = dialect::decode_responses(outline, context);
  if (decoded && decoded->plan.responses.stores)
    (void)dialect::input_items_of(outline.root(), "key");
}

void rewrite_model(const std::string& input) {
  static json::Reader reader;
  std::string body = input;
  body.reserve(body.size() + json::kPadding);
  const auto facts = anthropic::read_facts(reader, body);
  if (facts) anthropic::replace_model(body, *facts, "claude-opus-5");
}

void rewrite_batch(const std::string& input) {
  std::string body = input;
  body.reserve(body.size() + json::kPadding);
  auto models = anthropic::read_batch_models(body);
  if (!models) return;
  for (anthropic::BatchModel& model : *models) model.name = "claude-opus-5";
  (void)anthropic::with_models(body, *models);
}

// --- Encoders ------------------------------------------------------------------------------------

dialect::ReplyPlan plan_of(bool streams, bool strips_fence) {
  dialect::ReplyPlan plan;
  plan.model = "claude-sonnet-5";
  plan.stream = streams;
  plan.strips_fence = plan.wants_json = strips_fence;
  plan.responses.shows_sources = true;
  plan.tools = {{"custom", "custom", dialect::ToolShape::kCustom},
                {"shell", "shell", dialect::ToolShape::kShell}};
  for (int i = 0; i < 1000; ++i)
    plan.tools.push_back({"t" + std::to_string(i), "t." + std::to_string(i)});
  return plan;
}

// Pieces as the network brings them, and what the client is told given away as it comes.
void replay(const std::string& input, dialect::ReplyEncoder& encoder, bool streams) {
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  http::SseReader sse(std::size_t{32} << 20);
  anthropic::EventReader reader;
  anthropic::WholeText whole;
  anthropic::Transcript transcript;
  std::string out;
  for (std::size_t at = 0; at < input.size(); at += kPiece) {
    sse.feed(std::string_view(input).substr(at, kPiece));
    while (const auto event = sse.next()) {
      const auto read = anthropic::read_event(reader, event->name, event->data);
      if (!read) continue;
      whole.pass(*read, [&](const anthropic::MessageEvent& told) {
        transcript.on(told);
        encoder.on(told, out);
      });
    }
    if (streams) out.clear();
  }
  encoder.finish(out);
  (void)anthropic::called_turn(std::string(transcript.blocks()), 0);
}

void encode_chat(const std::string& input, bool streams, bool strips_fence) {
  const dialect::ReplyPlan plan = plan_of(streams, strips_fence);
  const auto encoder = dialect::chat_answer(plan, {"chatcmpl-1", 0});
  replay(input, *encoder, streams);
}

class Log final : public dialect::EventLog {
 public:
  void add(std::int64_t, std::string_view) override {}
  void end(std::int64_t, std::string_view) override {}
};

void encode_responses(const std::string& input, bool streams, bool strips_fence) {
  const dialect::ReplyPlan plan = plan_of(streams, strips_fence);
  Log log;
  dialect::ResponsesEncoder encoder(plan, {"resp_abcdefghijklmnopqrstuv", 0}, &log,
                                    [] { return std::int64_t{0}; });
  replay(input, encoder, streams);
}

// What listens to an answer that passes by.
void tap(const std::string& input) {
  static anthropic::UsageParsers parsers;
  constexpr std::size_t kPiece = std::size_t{64} << 10, kMostEvent = std::size_t{256} << 10;
  anthropic::UsageReader usage(parsers);
  http::SseReader events(kMostEvent);
  for (std::size_t at = 0; at < input.size(); at += kPiece) {
    events.feed(std::string_view(input).substr(at, kPiece));
    while (const auto event = events.next())
      if (!event->cut) usage.on_event(event->name, event->data);
  }
}

// --- The bound -----------------------------------------------------------------------------------

struct Case {
  const char* says;
  std::function<std::vector<Shape>()> shapes;
  Reader read;
};

const std::array<Case, 12> kCases = {{
    {"chat", chat_requests, [](const auto& input) { decode(input, Api::kChat); }},
    {"responses", responses_requests, [](const auto& input) { decode(input, Api::kResponses); }},
    {"compaction", responses_requests, [](const auto& input) { decode(input, Api::kCompaction); }},
    {"messages", messages_requests, rewrite_model},
    {"batch", batches, rewrite_batch},
    {"canonical", values, [](const auto& input) { (void)json::canonical_value(input); }},
    {"listed", values, [](const auto& input) { (void)dialect::listed_item(input); }},
    {"chat_stream", replies, [](const auto& input) { encode_chat(input, true, true); }},
    {"chat_whole", replies, [](const auto& input) { encode_chat(input, false, false); }},
    {"responses_stream", replies, [](const auto& input) { encode_responses(input, true, false); }},
    {"responses_whole", replies, [](const auto& input) { encode_responses(input, false, true); }},
    {"tap", replies, tap},
}};

class Cost : public testing::TestWithParam<std::size_t> {};

TEST_P(Cost, grows_with_the_input_and_stays_within_its_bound) {
  const Case& each = kCases.at(GetParam());
  const Instructions instructions;
  const double most = instructions.are_counted() ? kMostPerMiB : kMostEstimated;
  const double most_growth = instructions.are_counted() ? kMostGrowth : kMostEstimatedGrowth;
  const std::vector<std::size_t> sizes = instructions.are_counted()
                                             ? std::vector<std::size_t>{1, 2, 4, 8}
                                             : std::vector<std::size_t>{1, 16};
  const char* const wanted = std::getenv("CCPROXY_COSTS");  // the name of a shape, or anything
  const auto shapes = each.shapes();
  const bool is_one =
      wanted != nullptr && std::any_of(shapes.begin(), shapes.end(), [&](const Shape& shape) {
        return shape.says == std::string(wanted);
      });
  for (const Shape& shape : shapes) {
    if (is_one && shape.says != std::string(wanted)) continue;
    SCOPED_TRACE(shape.says);
    std::vector<double> taken;  // for a MiB
    for (const std::size_t size : sizes) {
      if ((kIsInstrumented && size > 4) || (is_one && size > 1)) break;
      const std::string input = shape.make(size * kMiB);
      const double total = instructions.of([&] { each.read(input); });
      taken.push_back(total / static_cast<double>(size));
      const bool is_too_much = !kIsInstrumented && taken.back() > most;
      EXPECT_FALSE(is_too_much) << taken.back() << " for a MiB, of " << size;
      const bool is_steep = taken.back() > taken.front() * most_growth + 5e6;
      EXPECT_FALSE(is_steep) << taken.back() << " for a MiB of " << size << ", not "
                             << taken.front();
      if (is_too_much || is_steep) break;  // the next would take for ever
    }
    if (wanted != nullptr)
      std::printf("%-18s %-45s %6.1f %6.1f %6.1f %6.1f\n", each.says, shape.says, taken[0] / 1e6,
                  taken.size() > 1 ? taken[1] / 1e6 : 0, taken.size() > 2 ? taken[2] / 1e6 : 0,
                  taken.size() > 3 ? taken[3] / 1e6 : 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Readers, Cost, testing::Range<std::size_t>(0, kCases.size()),
                         [](const auto& of) { return std::string(kCases.at(of.param).says); });

}  // namespace
}  // namespace ccproxy::test
