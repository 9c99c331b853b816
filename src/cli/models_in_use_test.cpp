#include "cli/models_in_use.hpp"

#include <gtest/gtest.h>

#include "anthropic/models_data.hpp"

namespace ccproxy::cli {
namespace {

const ModelInUse* find(const std::vector<ModelInUse>& models, std::string_view id) {
  for (const ModelInUse& model : models)
    if (model.id == id) return &model;
  return nullptr;
}

class ModelsInUse : public testing::Test {
 protected:
  anthropic::ModelTable models = anthropic::parse_models(anthropic::kModelsJson).value();
  config::Config config;
  Instant early = instant_of("2026-11-22").value();
  Instant near = instant_of("2026-11-29").value();
};

TEST_F(ModelsInUse, show_prices_and_a_cheaper_model) {
  config.model_mapping = {{"gpt-4", "claude-sonnet-4-20250514"},
                          {"haiku", "haiku"},
                          {"mine*", "claude-sonnet-4-6"},
                          {"new", "claude-new-9"}};
  const auto used = models_in_use(models, config, near);
  ASSERT_EQ(used.size(), 3U) << "the table has no row for claude-new-9";
  EXPECT_EQ(used[0].id, "claude-sonnet-5-5");
  EXPECT_EQ(used[0].names, std::vector<std::string>{"defaultModel"});
  EXPECT_EQ(used[0].about, "$2 in, $10 out per million tokens");
  EXPECT_EQ(used[1].names, (std::vector<std::string>{"gpt-4", "mine*"}));
  EXPECT_EQ(used[1].about,
            "$3 in, $15 out per million tokens; claude-sonnet-5-5 is newer and costs less: $2 in, "
            "$10 out");
  EXPECT_EQ(used[2].about,
            "$0.10 in, $0.50 out per million tokens, $0.50 in, $2.50 out for prompts of more than "
            "100k");
}

TEST_F(ModelsInUse, show_the_retirement_from_sixty_days_before) {
  config.model_mapping = {{"mine", "claude-opus-4-5"}};
  const auto about = [&](Instant now) {
    const auto used = models_in_use(models, config, now);
    const ModelInUse* opus = find(used, "claude-opus-4-5");
    return opus == nullptr ? std::string() : opus->about;
  };
  EXPECT_NE(about(near).find("; it retires on 2027-01-22, then claude-opus-5-5"),
            std::string::npos);
  EXPECT_EQ(about(early).find("retires"), std::string::npos);
}

TEST_F(ModelsInUse, keep_a_retired_target_when_retirements_are_not_followed) {
  config.follow_retirements = false;
  config.model_mapping = {{"gpt-4", "claude-sonnet-4-20250514"}};
  EXPECT_NE(find(models_in_use(models, config, near), "claude-sonnet-4-20250514"), nullptr);
}

TEST(ModelsFile, is_read_instead_of_the_built_in_table) {
  const auto missing = load_models({.models_file = "/nowhere/models.json"});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("CCPROXY_MODELS"), std::string::npos);
  EXPECT_TRUE(load_models({}));
}

}  // namespace
}  // namespace ccproxy::cli
