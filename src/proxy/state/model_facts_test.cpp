#include "proxy/state/model_facts.hpp"

#include <gtest/gtest.h>

#include <string>

#include "anthropic/models_data.hpp"

namespace ccproxy::proxy {
namespace {

using anthropic::CapabilityCorrection;
using anthropic::ForcedToolChoice;

class ModelFactsTest : public testing::Test {
 protected:
  anthropic::ModelTable table = anthropic::parse_models(anthropic::kModelsJson).value();
  ModelFacts facts{table};
  const SchemaOwner one{"credential", "a"};
};

TEST_F(ModelFactsTest, reads_the_table) {
  EXPECT_EQ(facts.of("claude-opus-5").family, "opus-5");
  EXPECT_TRUE(facts.of("claude-sonnet-4-5-20250929").sampling);
}

TEST_F(ModelFactsTest, gives_an_unknown_model_the_capabilities_of_the_newest_family) {
  const auto unknown = facts.of("claude-opus-9");
  EXPECT_FALSE(unknown.sampling);
  EXPECT_EQ(unknown.forced_tool_choice, ForcedToolChoice::kNo);
  EXPECT_TRUE(unknown.thinking.adaptive);
}

TEST_F(ModelFactsTest, corrects_the_capabilities_of_one_model_alone) {
  facts.apply("claude-sonnet-5", CapabilityCorrection::kNoForcedToolChoice, {});
  EXPECT_EQ(facts.of("claude-sonnet-5").forced_tool_choice, ForcedToolChoice::kNo);
  EXPECT_EQ(facts.of("claude-opus-5").forced_tool_choice, ForcedToolChoice::kYes);
}

TEST_F(ModelFactsTest, lets_one_caller_look_up_an_unknown_model) {
  EXPECT_FALSE(facts.claim_lookup("claude-opus-5"));
  EXPECT_TRUE(facts.claim_lookup("claude-opus-9"));
  EXPECT_FALSE(facts.claim_lookup("claude-opus-9"));
  facts.note("claude-opus-9",
             R"({"id":"claude-opus-9","max_tokens":9000,"max_input_tokens":70000})");
  EXPECT_EQ(facts.of("claude-opus-9").max_output, 9000);
  facts.note("claude-opus-8", "no JSON");
  EXPECT_EQ(facts.of("claude-opus-8"), facts.of("claude-opus-7"));
}

TEST_F(ModelFactsTest, remembers_refused_schemas_for_one_model_and_changes_no_capability) {
  const auto before = facts.of("claude-sonnet-5");
  facts.refuse_schemas(one, "claude-sonnet-5", "digest");
  facts.refuse_schemas(one, "claude-sonnet-5", "digest");
  EXPECT_EQ(facts.refused_schemas(one, "claude-sonnet-5"), std::vector<std::string>{"digest"});
  EXPECT_TRUE(facts.refused_schemas(one, "claude-opus-5").empty());
  EXPECT_EQ(facts.of("claude-sonnet-5"), before);
  facts.note("claude-sonnet-5", R"({"id":"claude-sonnet-5"})");
  EXPECT_EQ(facts.refused_schemas(one, "claude-sonnet-5").size(), 1U)
      << "the provider's entry says nothing about schemas";
}

// Once, what one key's client had sent changed the requests of another's.
TEST_F(ModelFactsTest, shows_refused_schemas_to_their_owner_alone) {
  facts.refuse_schemas(one, "claude-sonnet-5", "digest");
  for (const SchemaOwner& other : {SchemaOwner{"credential", "b"}, SchemaOwner{"other", "a"},
                                   SchemaOwner{"credential", ""}, SchemaOwner{"", "a"}})
    EXPECT_TRUE(facts.refused_schemas(other, "claude-sonnet-5").empty());
}

TEST_F(ModelFactsTest, remembers_the_last_few_refused_schemas_of_each_owner) {
  const SchemaOwner other{"credential", "b"};
  facts.refuse_schemas(other, "claude-sonnet-5", "digest");
  for (int i = 0; i < 1000; ++i)
    facts.refuse_schemas(one, "claude-sonnet-5", "digest-" + std::to_string(i));
  const auto refused = facts.refused_schemas(one, "claude-sonnet-5");
  ASSERT_EQ(refused.size(), 64U);
  EXPECT_EQ(refused.back(), "digest-999");
  // No number of schemas or of names of models displaces another owner's.
  for (int i = 0; i < 3000; ++i) {
    facts.refuse_schemas(one, "made-up-" + std::to_string(i), "digest");
    (void)facts.claim_lookup("made-up-" + std::to_string(i));
  }
  EXPECT_EQ(facts.refused_schemas(other, "claude-sonnet-5").size(), 1U);
  EXPECT_EQ(facts.refused_schemas(one, "made-up-2999").size(), 1U);
  int remembered = 0;
  for (int i = 0; i < 3000; ++i)
    remembered +=
        static_cast<int>(facts.refused_schemas(one, "made-up-" + std::to_string(i)).size());
  EXPECT_LE(remembered, 16);
}

TEST_F(ModelFactsTest, bounds_the_owners_of_refused_schemas) {
  for (int i = 0; i < 3000; ++i)
    facts.refuse_schemas({"credential", std::to_string(i)}, "claude-sonnet-5", "digest");
  int remembered = 0;
  for (int i = 0; i < 3000; ++i)
    remembered += static_cast<int>(
        facts.refused_schemas({"credential", std::to_string(i)}, "claude-sonnet-5").size());
  EXPECT_LE(remembered, 1024);
  EXPECT_EQ(facts.refused_schemas({"credential", "2999"}, "claude-sonnet-5").size(), 1U);
}

TEST_F(ModelFactsTest, bounds_the_number_and_the_length_of_names) {
  for (int i = 0; i < 3000; ++i) (void)facts.claim_lookup("made-up-" + std::to_string(i));
  EXPECT_FALSE(facts.claim_lookup(std::string(1000, 'x')));
  facts.apply(std::string(1000, 'x'), CapabilityCorrection::kNoSampling, {});
}

}  // namespace
}  // namespace ccproxy::proxy
