// The cost of reading what a client or the upstream sends must be linear in its size, or one
// request would block all others of its worker. Each reader and each encoder gets the worst inputs
// that are known; the instructions per MiB must stay below a bound and must not grow with the size.
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
#include "anthropic/surrogate_filter.hpp"
#include "anthropic/thinking_turn.hpp"
#include "anthropic/transcript.hpp"
#include "anthropic/usage.hpp"
#include "dialect/chat/encoder.hpp"
#include "dialect/chat/request.hpp"
#include "dialect/request/remembered_turn.hpp"
#include "dialect/responses/encoder.hpp"
#include "dialect/responses/input_items.hpp"
#include "dialect/responses/request.hpp"
#include "dialect/responses/retained_messages.hpp"
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

constexpr std::size_t kKiB = std::size_t{1} << 10, kMiB = std::size_t{1} << 20;
// Instructions per MiB. A build for tests takes about twice as many as the optimised one that users
// run.
#ifdef NDEBUG
constexpr double kMaxPerMiB = 150e6;
#else
constexpr double kMaxPerMiB = 400e6;
#endif
constexpr double kMaxGrowth = 1.5;
// An estimate depends on the processor's speed, and time grows when the input leaves the caches.
// Compared with 256 KiB, quadratic work takes four times as much per MiB for 1 MiB, and sixteen
// times as much for 4 MiB.
constexpr double kMaxEstimated = 4 * kMaxPerMiB;
constexpr double kMaxTimeGrowth = 2.5, kMaxLargeGrowth = 6;
constexpr double kConstant = 5e6;  // instructions that do not depend on the size

using Reader = std::function<void(const std::string& input)>;

// --- Readers -------------------------------------------------------------------------------------

const anthropic::Capabilities& capabilities() {
  static const anthropic::ModelTable kTable =
      anthropic::parse_models(anthropic::kModelsJson).value();
  static const anthropic::Capabilities kCan =
      anthropic::capabilities_of(*kTable.family_of("claude-sonnet-5"));
  return kCan;
}

// An empty memory, so that decoders look turns up.
class NoTurns final : public dialect::TurnMemory {
 public:
  [[nodiscard]] Turn by_id(std::string_view) const override { return nullptr; }
  [[nodiscard]] std::vector<Turn> alike(std::uint64_t) const override { return {}; }
};

enum class Api { kChat, kResponses, kCompaction };

void decode(const std::string& input, Api api) {
  static json::Outline outline;
  if (!outline.read(input)) return;
  const auto model = dialect::requested_model(outline, "claude-sonnet-5");
  if (!model) return;
  const TranslationOptions options;
  const NoTurns memory;
  const dialect::History history;
  const dialect::RequestContext context{.requested = *model,
                                        .model = "claude-sonnet-5",
                                        .can = capabilities(),
                                        .options = options,
                                        .memory = &memory,
                                        .history = &history,
                                        .can_store = true,
                                        .key = "key",
                                        .compacts = api == Api::kCompaction};
  if (api == Api::kChat) {
    (void)dialect::decode_chat(outline, context);
    return;
  }
  (void)dialect::references_of(outline.root());
  (void)dialect::decode_responses(outline, context);
}

// Lists the items of a request that the store gets. It gets them only after the request was
// decoded.
void list_items(const std::string& input) {
  static json::Outline outline;
  if (!outline.read(input)) return;
  const auto items = outline.root()["input"];
  const auto children = items.children();
  const auto is_item = [](json::Value item) {
    return item.is_object() && !item.children().empty();
  };
  const bool is_refused =
      items.is_object() || !std::all_of(children.begin(), children.end(), is_item);
  if (!is_refused) (void)dialect::input_items_of(outline.root(), "key");
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

// Feeds the input in pieces as they come from the network. A stream's output is dropped after each
// piece, as if it were sent.
void replay(const std::string& input, dialect::ReplyEncoder& encoder, bool streams) {
  constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
  http::SseReader sse(std::size_t{32} << 20);
  anthropic::EventReader reader;
  anthropic::SurrogateFilter whole;
  anthropic::Transcript transcript;
  std::string out;
  for (std::size_t at = 0; at < input.size(); at += kChunkBytes) {
    sse.feed(std::string_view(input).substr(at, kChunkBytes));
    while (const auto event = sse.next()) {
      const auto read = anthropic::read_event(reader, event->name, event->data);
      if (!read) continue;
      whole.pass(*read, [&](const anthropic::MessageEvent& message_event) {
        transcript.on(message_event);
        encoder.on(message_event, out);
      });
    }
    if (streams) out.clear();
  }
  encoder.finish(out);
  (void)anthropic::turn_with_calls(std::string(transcript.blocks()), 0);
}

void encode_chat(const std::string& input, bool streams, bool strips_fence) {
  const dialect::ReplyPlan plan = plan_of(streams, strips_fence);
  const auto encoder = dialect::make_chat_encoder(plan, {"chatcmpl-1", 0});
  replay(input, *encoder, streams);
}

class NullLog final : public dialect::EventLog {
 public:
  void add(std::int64_t, std::string_view) override {}
  void end(std::int64_t, std::string_view) override {}
};

void encode_responses(const std::string& input, bool streams, bool strips_fence) {
  const dialect::ReplyPlan plan = plan_of(streams, strips_fence);
  NullLog log;
  dialect::ResponsesEncoder encoder(plan, {"resp_abcdefghijklmnopqrstuv", 0}, &log,
                                    [] { return std::int64_t{0}; });
  replay(input, encoder, streams);
}

// Reads a passed-through response as the tap does.
void tap(const std::string& input) {
  static anthropic::UsageParsers parsers;
  constexpr std::size_t kChunkBytes = std::size_t{64} << 10,
                        kMaxEventBytes = std::size_t{256} << 10;
  anthropic::UsageReader usage(parsers);
  http::SseReader events(kMaxEventBytes);
  for (std::size_t at = 0; at < input.size(); at += kChunkBytes) {
    events.feed(std::string_view(input).substr(at, kChunkBytes));
    while (const auto event = events.next())
      if (!event->cut) usage.on_event(event->name, event->data);
  }
}

// --- The bound -----------------------------------------------------------------------------------

struct Case {
  const char* name;
  std::function<std::vector<Shape>()> shapes;
  Reader read;
};

const std::array<Case, 13> kCases = {{
    {"chat", chat_requests, [](const auto& input) { decode(input, Api::kChat); }},
    {"responses", responses_requests, [](const auto& input) { decode(input, Api::kResponses); }},
    {"compaction", responses_requests, [](const auto& input) { decode(input, Api::kCompaction); }},
    {"items", responses_requests, list_items},
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

enum class Care { kQuick, kWhole };

// Returns sizes in bytes. Estimates need three sizes to distinguish linear from quadratic growth; a
// doubtful result is measured at all of them.
std::vector<std::size_t> sizes_for(Care care, bool are_counted) {
  if (are_counted) return {kMiB, 2 * kMiB, 4 * kMiB, 8 * kMiB};
  if (care == Care::kQuick) return {256 * kKiB, kMiB, 4 * kMiB};
  return {256 * kKiB, kMiB, 2 * kMiB, 4 * kMiB, 8 * kMiB};
}

// The cost of a shape.
struct Cost {
  std::vector<double> per_mib{};  // instructions, one number for each size
  std::string fault{};            // empty without
};

Cost cost_of(const Shape& shape, const Reader& read, Care care) {
  const Instructions instructions;
  const bool are_counted = instructions.are_counted();
  const double limit = are_counted ? kMaxPerMiB : kMaxEstimated;
  Cost cost;
  for (const std::size_t bytes : sizes_for(care, are_counted)) {
    const std::string input = shape.make(bytes);
    const double size = static_cast<double>(bytes) / static_cast<double>(kMiB);
    const bool is_first = cost.per_mib.empty();
    const double growth = are_counted     ? kMaxGrowth
                          : bytes == kMiB ? kMaxTimeGrowth
                                          : kMaxLargeGrowth;
    const double bound = is_first ? limit : std::min(limit, cost.per_mib[0] * growth + kConstant);
    // All other sizes are compared with the first, so it is measured several times.
    const double enough = is_first && care == Care::kWhole ? 0 : bound * size;
    cost.per_mib.push_back(instructions.of([&] { read(input); }, enough) / size);
    if (cost.per_mib.back() <= bound) continue;
    cost.fault = "in " + std::to_string(bytes / kKiB) + " KiB it takes " +
                 std::to_string(cost.per_mib.back() / 1e6) + " million for a MiB, more than " +
                 std::to_string(bound / 1e6);
    break;  // larger sizes would take too long
  }
  return cost;
}

void print(const Case& each, const Shape& shape, const Cost& cost) {
  std::printf("%-18s %-45s", each.name, shape.name);
  for (const double instructions : cost.per_mib) std::printf(" %6.1f", instructions / 1e6);
  std::printf("\n");
}

class Costs : public testing::TestWithParam<std::size_t> {};

TEST_P(Costs, are_linear_and_within_their_bound) {
  const Case& each = kCases.at(GetParam());
  // CCPROXY_COSTS is the name of a shape, which is then read once in 1 MiB, or anything else, and
  // then every shape is measured at all sizes.
  const char* const wanted = std::getenv("CCPROXY_COSTS");
  const auto shapes = each.shapes();
  const auto is_wanted = [&](const Shape& shape) { return shape.name == std::string_view(wanted); };
  const bool is_one = wanted != nullptr && std::any_of(shapes.begin(), shapes.end(), is_wanted);
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(shape.name);
    if (is_one || kIsInstrumented) {  // under a sanitizer only failures count
      if (!is_one || is_wanted(shape)) each.read(shape.make(is_one ? kMiB : 64 * kKiB));
      continue;
    }
    Cost cost = cost_of(shape, each.read, wanted != nullptr ? Care::kWhole : Care::kQuick);
    if (!cost.fault.empty()) cost = cost_of(shape, each.read, Care::kWhole);
    if (wanted != nullptr) print(each, shape, cost);
    EXPECT_EQ(cost.fault, "");
  }
}

INSTANTIATE_TEST_SUITE_P(Readers, Costs, testing::Range<std::size_t>(0, kCases.size()),
                         [](const auto& of) { return std::string(kCases.at(of.param).name); });

}  // namespace
}  // namespace ccproxy::test
