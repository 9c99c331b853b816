#include "proxy/state/model_facts.hpp"

#include <gtest/gtest.h>

#include <string>

#include "anthropic/models_data.hpp"

namespace ccproxy::proxy {
namespace {

using anthropic::CapabilityCorrection;
using anthropic::ForcedToolChoice;

class Facts : public testing::Test {
 protected:
  anthropic::ModelTable table = anthropic::parse_models(anthropic::kModelsJson).value();
  ModelFacts facts{table};
  const SchemaOwner one{"credential", "a"};
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
  facts.apply("claude-sonnet-5", CapabilityCorrection::kNoForcedToolChoice, {});
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
  facts.refuse_schemas(one, "claude-sonnet-5", "digest");
  facts.refuse_schemas(one, "claude-sonnet-5", "digest");
  EXPECT_EQ(facts.refused_schemas(one, "claude-sonnet-5"), std::vector<std::string>{"digest"});
  EXPECT_TRUE(facts.refused_schemas(one, "claude-opus-5").empty());
  EXPECT_EQ(facts.of("claude-sonnet-5"), before);
  facts.note("claude-sonnet-5", R"({"id":"claude-sonnet-5"})");
  EXPECT_EQ(facts.refused_schemas(one, "claude-sonnet-5").size(), 1U)
      << "the provider did not say that";
}

// What one key's client sent decided how another's was answered.
TEST_F(Facts, about_schemas_are_their_owners_alone) {
  facts.refuse_schemas(one, "claude-sonnet-5", "digest");
  for (const SchemaOwner& other : {SchemaOwner{"credential", "b"}, SchemaOwner{"other", "a"},
                                   SchemaOwner{"credential", ""}, SchemaOwner{"", "a"}})
    EXPECT_TRUE(facts.refused_schemas(other, "claude-sonnet-5").empty());
}

TEST_F(Facts, about_schemas_are_the_last_few_of_each_owners) {
  const SchemaOwner other{"credential", "b"};
  facts.refuse_schemas(other, "claude-sonnet-5", "digest");
  for (int i = 0; i < 1000; ++i)
    facts.refuse_schemas(one, "claude-sonnet-5", "digest-" + std::to_string(i));
  const auto refused = facts.refused_schemas(one, "claude-sonnet-5");
  ASSERT_EQ(refused.size(), 64U);
  EXPECT_EQ(refused.back(), "digest-999");
  // Neither schemas nor names of models in any number make another's forgotten.
  for (int i = 0; i < 3000; ++i) {
    facts.refuse_schemas(one, "made-up-" + std::to_string(i), "digest");
    (void)facts.claim_lookup("made-up-" + std::to_string(i));
  }
  EXPECT_EQ(facts.refused_schemas(other, "claude-sonnet-5").size(), 1U);
  EXPECT_EQ(facts.refused_schemas(one, "made-up-2999").size(), 1U);
  int kept = 0;
  for (int i = 0; i < 3000; ++i)
    kept += static_cast<int>(facts.refused_schemas(one, "made-up-" + std::to_string(i)).size());
  EXPECT_LE(kept, 16);
}

TEST_F(Facts, about_schemas_have_owners_in_bounds) {
  for (int i = 0; i < 3000; ++i)
    facts.refuse_schemas({"credential", std::to_string(i)}, "claude-sonnet-5", "digest");
  int kept = 0;
  for (int i = 0; i < 3000; ++i)
    kept += static_cast<int>(
        facts.refused_schemas({"credential", std::to_string(i)}, "claude-sonnet-5").size());
  EXPECT_LE(kept, 1024);
  EXPECT_EQ(facts.refused_schemas({"credential", "2999"}, "claude-sonnet-5").size(), 1U);
}

TEST_F(Facts, are_bounded_in_number_and_size) {
  for (int i = 0; i < 3000; ++i) (void)facts.claim_lookup("made-up-" + std::to_string(i));
  EXPECT_FALSE(facts.claim_lookup(std::string(1000, 'x')));
  facts.apply(std::string(1000, 'x'), CapabilityCorrection::kNoSampling, {});
}

}  // namespace
}  // namespace ccproxy::proxy
