// Any body on the chat route is either refused with a message or becomes a request that the
// Messages API can take. The first three bytes choose the circumstances, the model's family and the
// configuration.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "anthropic/models_data.hpp"
#include "dialect/chat/request.hpp"
#include "dialect/request/remembered_turn.hpp"
#include "dialect/testing/fold.hpp"
#include "dialect/testing/replay.hpp"
#include "fuzz/choices.hpp"
#include "fuzz/upstream_request.hpp"
#include "json/outline.hpp"
#include "json/writer.hpp"

namespace ccproxy::fuzz {

inline const anthropic::ModelTable& models() {
  static const anthropic::ModelTable kTable =
      anthropic::parse_models(anthropic::kModelsJson).value();
  return kTable;
}

inline TranslationOptions chosen_options(unsigned byte) {
  Bits bits(byte);
  TranslationOptions options;
  options.prompt_caching = !bits.next();
  if (bits.next()) options.mid_system = MidSystem::kReminder;
  if (bits.next()) options.chat_reasoning_display = ReasoningDisplay::kSummarized;
  if (bits.next()) options.strict_tools = StrictTools::kOff;
  if (bits.next()) options.custom_as_function = CustomAsFunction::kAlways;
  if (bits.next()) options.response_model = ResponseModel::kUpstream;
  options.eager_input_streaming = options.verbosity_hint = bits.next();
  options.fast_mode = bits.next();
  options.web_search = !options.fast_mode;
  return options;
}

// A memory that has a turn with thinking and a call of f({}) for every id, and after every question
// one with f({}) and one with f({}) and g({}) under other ids.
class MemoryOfEveryId final : public dialect::TurnMemory {
 public:
  [[nodiscard]] Turn by_id(std::string_view id) const override {
    return id.starts_with("toolu") ? nullptr : turn_of(call("f", id));
  }

  [[nodiscard]] std::vector<Turn> alike(std::uint64_t) const override {
    return {turn_of(call("f", "toolu_1")),
            turn_of(call("f", "toolu_2") + "," + call("g", "toolu_3"))};
  }

 private:
  static std::string call(std::string_view name, std::string_view id) {
    std::string block = R"({"type":"tool_use","input":{ },"name":)";
    json::append_quoted(block, name);
    block += R"(,"id":)";
    json::append_quoted(block, id);
    return block + "}";
  }

  static Turn turn_of(const std::string& calls) {
    const auto turn =
        anthropic::thinking_turn(R"({"type":"thinking","thinking":"t","signature":"S"},)" + calls);
    return turn ? std::make_shared<const anthropic::ThinkingTurn>(*turn) : nullptr;
  }
};

// Reads and decodes a request as the proxy does.
class ChatRequest {
 public:
  explicit ChatRequest(std::string_view& input) : choice_(take_byte(input)) {
    const auto& families = models().families();
    can_ = anthropic::capabilities_of(families[take_byte(input) % families.size()]);
    options_ = chosen_options(take_byte(input));
    is_completion_ = choice_.next();
    is_strict_ = choice_.next();
    is_cursor_ = choice_.next();
    remembers_ = choice_.next();
    if (choice_.next()) max_tokens_ = 1000;
    if (choice_.next()) can_.automatic_cache = can_.block_binding = false;
    if (choice_.next()) can_.strict_tools = can_.structured_outputs = false;
  }

  [[nodiscard]] Result<dialect::Decoded> decode(std::string_view body) const {
    json::Outline outline;
    if (const auto read = outline.read(body); !read) return fail(read.error());
    const auto model = dialect::requested_model(outline, "claude-sonnet-5");
    if (!model) return fail(model.error());
    const MemoryOfEveryId memory;
    const dialect::RequestContext context{.requested = *model,
                                          .model = "claude-sonnet-5",
                                          .can = can_,
                                          .options = options_,
                                          .strict = is_strict_,
                                          .is_cursor = is_cursor_,
                                          .max_tokens_limit = max_tokens_,
                                          .memory = remembers_ ? &memory : nullptr};
    return is_completion_ ? dialect::decode_completion(outline, context)
                          : dialect::decode_chat(outline, context);
  }

 private:
  Bits choice_;
  anthropic::Capabilities can_;
  TranslationOptions options_;
  bool is_completion_ = false, is_strict_ = false, is_cursor_ = false, remembers_ = false;
  std::optional<std::int64_t> max_tokens_{};
};

inline std::string fault_of_refusal(const Error& error, std::string_view body) {
  json::Outline outline;
  const bool is_json = outline.read(body).has_value();
  if (error.message.empty()) return "an error without a message";
  if (!json::is_utf8(error.message) || !json::is_utf8(error.param)) return "an error is not UTF-8";
  if (is_json && error.code.empty()) return "an error has no code: " + error.message;
  if (is_json && error.kind != ErrorKind::kInvalidRequest)
    return "an error of another kind: " + error.message;
  return "";
}

// Checks that a response with a call of each tool whose name was changed becomes a valid reply.
inline std::string fault_of_plan(dialect::ReplyPlan plan) {
  std::string events = R"(data: {"type":"message_start","message":{}})"
                       "\n\n";
  for (const auto& tool : plan.tools) {
    events += R"(data: {"type":"content_block_start","content_block":{"type":"tool_use","name":)";
    json::append_quoted(events, tool.upstream);
    events += ",\"id\":\"i\"}}\n\ndata: {\"type\":\"content_block_stop\"}\n\n";
  }
  events +=
      "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\n"
      "data: {\"type\":\"message_stop\"}\n\n";
  plan.stream = true;
  const std::string stream = dialect::test::replay(events, plan);
  plan.stream = false;
  return dialect::test::fault_of_reply(stream, dialect::test::replay(events, plan), plan);
}

inline std::string fault_of_chat_decoder(std::string_view input) {
  const ChatRequest request(input);
  const auto decoded = request.decode(input);
  if (!decoded) return fault_of_refusal(decoded.error(), input);
  const auto again = request.decode(input);
  if (!again || again->body != decoded->body || again->betas != decoded->betas ||
      again->plan.ignored != decoded->plan.ignored ||
      again->plan.warnings != decoded->plan.warnings)
    return "decoded twice, it is another request";
  if (std::string fault = fault_of_upstream_request(decoded->body); !fault.empty())
    return fault + "\n" + decoded->body;
  std::string longer = decoded->body;
  dialect::append_turn(longer, longer.size(), R"({"type":"text","text":"t"})");
  if (std::string fault = fault_of_json(longer); !fault.empty()) return fault + "\n" + longer;
  return fault_of_plan(decoded->plan);
}

}  // namespace ccproxy::fuzz
