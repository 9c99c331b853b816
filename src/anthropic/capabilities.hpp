// What a request to one model may contain: the row of its family in the table of models, corrected
// by what the upstream's responses have shown since. Small and cheap to copy.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "anthropic/models.hpp"

namespace ccproxy::anthropic {

// A set of effort levels.
class Efforts {
 public:
  Efforts() = default;
  explicit Efforts(const std::vector<Effort>& levels) {
    for (const Effort level : levels) bits_ |= bit(level);
  }

  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] bool has(Effort level) const { return (bits_ & bit(level)) != 0; }
  // The nearest level that is not above `wanted`, else the lowest one. The set must not be empty.
  [[nodiscard]] Effort nearest(Effort wanted) const;
  void remove(Effort level) { bits_ &= ~bit(level); }
  bool operator==(const Efforts&) const = default;

 private:
  static unsigned bit(Effort level) { return 1U << static_cast<unsigned>(level); }
  unsigned bits_ = 0;
};

struct Capabilities {
  std::string_view family;  // its name; valid as long as the table of models
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
  // Features that this program adds to requests on its own, until the upstream refuses them.
  bool automatic_cache = true;
  bool block_binding = true;
  bool fast_mode = true;
  bool strict_tools = true;
  bool operator==(const Capabilities&) const = default;
};

[[nodiscard]] Capabilities capabilities_of(const Family& family);

// Reads the provider's description of a model, the body of GET /v1/models/{id}. What that does not
// describe (sampling, forced tool calls, prefill, late system messages) comes from `otherwise`.
// Nothing when `body` is not such a description.
[[nodiscard]] std::optional<Capabilities> capabilities_from_api(std::string_view body,
                                                                const Capabilities& otherwise);

// What the error for a refused request shows about a model.
enum class CapabilityCorrection {
  kNoForcedToolChoice,
  kNoMidSystem,
  kNoSampling,
  kNoPrefill,
  kEffortTooHigh,      // the level that was sent is not accepted
  kOtherThinkingType,  // the model wants adaptive thinking instead of enabled, or the reverse
  kNoBlockBinding,
  kNoFastMode,
  kNoAutomaticCache,
  kNoSchema,  // neither strict tools nor an output schema
};

// Reads a correction from the message of a 400; nothing for most messages. `message` is the JSON's
// error.message.
[[nodiscard]] std::optional<CapabilityCorrection> correction_from_error(std::string_view message);

// True when the message of a 400 says that the upstream cannot compile the schemas of the request,
// because they are too many, too large or too permissive. That says nothing about the model.
[[nodiscard]] bool is_schema_refusal(std::string_view message);

// The members of tools that the provider accepts for some models or with some betas only.
enum ToolMember { kDeferLoading, kAllowedCallers, kInputExamples, kEagerInputStreaming };
inline constexpr std::array<std::string_view, 4> kToolMembers = {
    "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming"};

// The elements of kToolMembers that the message of a 400 calls extra inputs.
[[nodiscard]] std::vector<std::string_view> extra_tool_members(std::string_view message);

// Reads `input length and max_tokens exceed context limit: A + B > C` and returns C - A, the
// largest max_tokens that fits. Nothing when that is not positive, or for any other message.
[[nodiscard]] std::optional<std::int64_t> room_for_output(std::string_view message);

// Applies a correction. `sent` is the effort of the refused request, if it had one.
void apply(Capabilities& capabilities, CapabilityCorrection correction, std::optional<Effort> sent);

}  // namespace ccproxy::anthropic
