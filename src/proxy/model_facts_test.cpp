#include "proxy/model_facts.hpp"

#include <gtest/gtest.h>

#include <string>

#include "anthropic/models_data.hpp"

namespace ccproxy::proxy {
namespace {

using anthropic::ForcedToolChoice;
using anthropic::Lesson;

class Facts : public testing::Test {
 protected:
  anthropic::ModelTable table = anthropic::parse_models(anthropic::kModelsJson).value();
  ModelFacts facts{table};
};

TEST_F(Facts, come_from_the_table) {
  EXPECT_EQ(facts.of("claude-opus-5").family, "opus-5");
  EXPECT_TRUE(facts.of("claude-sonnet-4-5-20250929").sampling);
}

TEST_F(Facts, of_an_unknown_model_are_those_of_the_newest) {
  const auto unknown = facts.of("claude-opus-9");
  EXPECT_FALSE(unknown.sampling);
  EXPECT_EQ(unknown.forced_tool_choice, ForcedToolChoice::kNo);
  EXPECT_TRUE(unknown.thinking.adaptive);
}

TEST_F(Facts, are_learned_for_one_model) {
  facts.learn("claude-sonnet-5", Lesson::kNoForcedToolChoice, {});
  EXPECT_EQ(facts.of("claude-sonnet-5").forced_tool_choice, ForcedToolChoice::kNo);
  EXPECT_EQ(facts.of("claude-opus-5").forced_tool_choice, ForcedToolChoice::kYes);
}

TEST_F(Facts, are_asked_for_once) {
  EXPECT_FALSE(facts.claim_lookup("claude-opus-5"));
  EXPECT_TRUE(facts.claim_lookup("claude-opus-9"));
  EXPECT_FALSE(facts.claim_lookup("claude-opus-9"));
  facts.note("claude-opus-9",
             R"({"id":"claude-opus-9","max_tokens":9000,"max_input_tokens":70000})");
  EXPECT_EQ(facts.of("claude-opus-9").max_output, 9000);
  facts.note("claude-opus-8", "no JSON");
  EXPECT_EQ(facts.of("claude-opus-8"), facts.of("claude-opus-7"));
}

TEST_F(Facts, are_bounded_in_number_and_size) {
  for (int i = 0; i < 3000; ++i) (void)facts.claim_lookup("made-up-" + std::to_string(i));
  EXPECT_FALSE(facts.claim_lookup(std::string(1000, 'x')));
  facts.learn(std::string(1000, 'x'), Lesson::kNoSampling, {});
}

}  // namespace
}  // namespace ccproxy::proxy
