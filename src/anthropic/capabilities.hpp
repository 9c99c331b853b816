// What a request to one model may hold: the row of its family, and what upstream's own answers have
// taught since. Small and copied freely.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "anthropic/models.hpp"

namespace ccproxy::anthropic {

// Effort levels as a set.
class Efforts {
 public:
  Efforts() = default;
  explicit Efforts(const std::vector<Effort>& levels) {
    for (const Effort level : levels) bits_ |= bit(level);
  }

  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] bool has(Effort level) const { return (bits_ & bit(level)) != 0; }
  // The nearest level that is not above `wanted`, else the lowest one. Not for an empty set.
  [[nodiscard]] Effort nearest(Effort wanted) const;
  void remove(Effort level) { bits_ &= ~bit(level); }
  bool operator==(const Efforts&) const = default;

 private:
  static unsigned bit(Effort level) { return 1U << static_cast<unsigned>(level); }
  unsigned bits_ = 0;
};

struct Capabilities {
  std::string_view family;  // its name; lives as long as the table of models
  std::int64_t context = 0;
  std::int64_t max_output = 0;
  bool sampling = false;
  Thinking thinking{};
  Efforts efforts{};
  ForcedToolChoice forced_tool_choice = ForcedToolChoice::kNo;
  Prefill prefill = Prefill::kNo;
  bool structured_outputs = false;
  bool mid_system = false;
  PreservedThinking preserved_thinking = PreservedThinking::kNo;
  // What this program adds by itself, until upstream refuses it.
  bool automatic_cache = true;
  bool block_binding = true;
  bool fast_mode = true;
  bool strict_tools = true;
  bool operator==(const Capabilities&) const = default;
};

[[nodiscard]] Capabilities capabilities_of(const Family& family);

// What the provider says of a model (the body of GET /v1/models/{id}), laid over `otherwise`: its
// answer is silent about sampling, forced tool calls, prefill and late system messages. Nothing
// when the body is not such an answer.
[[nodiscard]] std::optional<Capabilities> capabilities_from_api(std::string_view body,
                                                                const Capabilities& otherwise);

// What a refused request has taught of a model.
enum class CapabilityCorrection {
  kNoForcedToolChoice,
  kNoMidSystem,
  kNoSampling,
  kNoPrefill,
  kEffortTooHigh,      // the level that was sent is not accepted
  kOtherThinkingType,  // adaptive where enabled was sent, and the other way round
  kNoBlockBinding,
  kNoFastMode,
  kNoAutomaticCache,
  kNoSchema,  // neither strict tools nor an output schema
};

// What the text of a 400 teaches; nothing for most. `message` is error.message.
[[nodiscard]] std::optional<CapabilityCorrection> correction_from_error(std::string_view message);

// True when the text of a 400 says that upstream cannot compile the schemas that this request has:
// they are too many, too large or too free. It tells nothing of the model.
[[nodiscard]] bool is_schema_refusal(std::string_view message);

// Members of tools that the provider takes beside those that all its models know; a beta may be
// needed for some.
enum ToolMember { kDeferLoading, kAllowedCallers, kInputExamples, kEagerInputStreaming };
inline constexpr std::array<std::string_view, 4> kToolMembers = {
    "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming"};

// Those of them that the text of a 400 calls extra inputs.
[[nodiscard]] std::vector<std::string_view> extra_tool_members(std::string_view message);

// `input length and max_tokens exceed context limit: A + B > C`: C - A, when that leaves room.
[[nodiscard]] std::optional<std::int64_t> room_for_output(std::string_view message);

// What the model can do after the lesson. `sent` is the effort of the refused request, if it had
// one.
void apply(Capabilities& capabilities, CapabilityCorrection lesson, std::optional<Effort> sent);

}  // namespace ccproxy::anthropic
