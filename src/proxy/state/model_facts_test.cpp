#include "proxy/state/model_facts.hpp"

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

TEST_F(Facts, about_schemas_are_of_one_model_and_change_nothing_else) {
  const auto before = facts.of("claude-sonnet-5");
  facts.refuse_schemas("claude-sonnet-5", "one");
  facts.refuse_schemas("claude-sonnet-5", "one");
  EXPECT_EQ(facts.refused_schemas("claude-sonnet-5"), std::vector<std::string>{"one"});
  EXPECT_TRUE(facts.refused_schemas("claude-opus-5").empty());
  EXPECT_EQ(facts.of("claude-sonnet-5"), before);
  facts.note("claude-sonnet-5", R"({"id":"claude-sonnet-5"})");
  EXPECT_EQ(facts.refused_schemas("claude-sonnet-5").size(), 1U) << "the provider did not say that";
}

TEST_F(Facts, about_schemas_are_the_last_few) {
  for (int i = 0; i < 1000; ++i)
    facts.refuse_schemas("claude-sonnet-5", "digest-" + std::to_string(i));
  const auto refused = facts.refused_schemas("claude-sonnet-5");
  ASSERT_EQ(refused.size(), 64U);
  EXPECT_EQ(refused.back(), "digest-999");
}

TEST_F(Facts, are_bounded_in_number_and_size) {
  for (int i = 0; i < 3000; ++i) (void)facts.claim_lookup("made-up-" + std::to_string(i));
  EXPECT_FALSE(facts.claim_lookup(std::string(1000, 'x')));
  facts.learn(std::string(1000, 'x'), Lesson::kNoSampling, {});
}

}  // namespace
}  // namespace ccproxy::proxy
