#include "anthropic/capabilities.hpp"

#include <gtest/gtest.h>

namespace ccproxy::anthropic {
namespace {

TEST(Efforts, choose_the_nearest_level_that_is_not_above) {
  const Efforts some({Effort::kLow, Effort::kHigh});
  EXPECT_EQ(some.nearest(Effort::kMax), Effort::kHigh);
  EXPECT_EQ(some.nearest(Effort::kMedium), Effort::kLow);
  EXPECT_EQ(Efforts({Effort::kHigh}).nearest(Effort::kLow), Effort::kHigh);
}

TEST(CapabilityCorrections, are_read_from_error_messages) {
  const std::pair<const char*, CapabilityCorrection> messages[] = {
      {R"(tool_choice: type "tool" and "any" are not supported for this model.)",
       CapabilityCorrection::kNoForcedToolChoice},
      {"messages.2: role 'system' is not supported on this model",
       CapabilityCorrection::kNoMidSystem},
      {"`temperature` is deprecated for this model.", CapabilityCorrection::kNoSampling},
      {"`temperature` and `top_p` cannot both be specified for this model.",
       CapabilityCorrection::kNoSampling},
      {"This model does not support assistant message prefill.", CapabilityCorrection::kNoPrefill},
      {"output_config.effort: level 'xhigh' is not supported",
       CapabilityCorrection::kEffortTooHigh},
      {"\"thinking.type.enabled\" is not supported for this model.",
       CapabilityCorrection::kOtherThinkingType},
      {"thinking.adaptive.block_binding: Extra inputs are not permitted",
       CapabilityCorrection::kNoBlockBinding},
      {"speed: Extra inputs are not permitted", CapabilityCorrection::kNoFastMode},
      {"cache_control: Extra inputs are not permitted", CapabilityCorrection::kNoAutomaticCache},
      {"output_config.format: a JSON schema is not supported by this model",
       CapabilityCorrection::kNoSchema},
      {"tools.3: schema keyword 'pattern' is not supported with strict",
       CapabilityCorrection::kNoSchema}};
  for (const auto& [message, correction] : messages)
    EXPECT_EQ(correction_from_error(message), correction) << message;
}

TEST(CapabilityCorrections, are_not_read_from_other_error_messages) {
  for (const char* message :
       {"messages.0.content: Field required", "metadata.user: Extra inputs are not permitted",
        "temperature: Input should be less than or equal to 1",
        "tools.0.custom.input_schema: JSON schema is invalid", "prompt is too long",
        "This credential is only authorized for use with Claude Code"})
    EXPECT_FALSE(correction_from_error(message)) << message;
}

TEST(CapabilityCorrections, are_not_read_from_errors_about_the_schemas_of_one_request) {
  for (const char* message :
       {"Schemas contains too many optional parameters (30), which would make grammar compilation "
        "inefficient. Reduce the number of optional parameters in your tool schemas (limit: 24).",
        "Schemas contains too many parameters with union types (17 parameters with type arrays or "
        "anyOf) which causes exponential compilation cost (limit: 16).",
        "Too many strict tools (21). The maximum number of strict tools supported is 20.",
        "The compiled grammar is too large, which would cause performance issues. Simplify your "
        "tool schemas or reduce the number of strict tools.",
        "Grammar compilation timed out.", "output_config.format.schema: Schema is too complex.",
        "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly "
        "set to false",
        "tools.0.custom: For 'integer' type, property 'maximum' is not supported"}) {
    EXPECT_TRUE(is_schema_refusal(message)) << message;
    EXPECT_FALSE(correction_from_error(message)) << message;
  }
  for (const char* message : {"prompt is too long",
                              "tools.3: schema keyword 'pattern' is not "
                              "supported with strict",
                              "tools.0.custom.input_schema: JSON schema is invalid"})
    EXPECT_FALSE(is_schema_refusal(message)) << message;
}

TEST(CapabilityCorrections, name_the_members_of_tools_that_are_extra_inputs) {
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(extra_tool_members("tools.0.custom.defer_loading: Extra inputs are not permitted"),
            Names{"defer_loading"});
  EXPECT_EQ(extra_tool_members("tools.0.custom.input_examples: Extra inputs are not permitted, "
                               "tools.1.custom.allowed_callers: Extra inputs are not permitted"),
            (Names{"allowed_callers", "input_examples"}));
  EXPECT_TRUE(extra_tool_members("cache_control: Extra inputs are not permitted").empty());
  EXPECT_TRUE(extra_tool_members("tools.0.custom.input_examples: Field required").empty());
}

TEST(CapabilityCorrections, return_the_room_that_is_left_for_the_output) {
  EXPECT_EQ(room_for_output("input length and `max_tokens` exceed context limit: 190000 + 20000 > "
                            "200000, decrease input length or `max_tokens` and try again"),
            10000);
  EXPECT_FALSE(room_for_output("input length and `max_tokens` exceed context limit: 9 + 1 > 9"));
  EXPECT_FALSE(room_for_output("prompt is too long: 210000 tokens > 200000 maximum"));
}

TEST(CapabilityCorrections, change_the_capabilities_of_a_model) {
  Capabilities can;
  can.thinking.adaptive = true;
  can.efforts = Efforts({Effort::kLow, Effort::kHigh});
  can.structured_outputs = true;
  apply(can, CapabilityCorrection::kEffortTooHigh, Effort::kHigh);
  EXPECT_EQ(can.efforts.nearest(Effort::kMax), Effort::kLow);
  apply(can, CapabilityCorrection::kOtherThinkingType, {});
  EXPECT_EQ(can.thinking.manual, ManualThinking::kYes);
  EXPECT_FALSE(can.thinking.adaptive);
  apply(can, CapabilityCorrection::kNoSchema, {});
  EXPECT_FALSE(can.structured_outputs);
  EXPECT_FALSE(can.strict_tools);
}

}  // namespace
}  // namespace ccproxy::anthropic
