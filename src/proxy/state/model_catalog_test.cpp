#include "proxy/state/model_catalog.hpp"

#include <gtest/gtest.h>

#include "anthropic/models_data.hpp"
#include "config/model_map.hpp"

namespace ccproxy::proxy {
namespace {

class ModelCatalogTest : public testing::Test {
 protected:
  ModelCatalogTest() : models_(anthropic::parse_models(anthropic::kModelsJson).value()) {
    config_.model_mapping = config::default_mapping();
  }
  anthropic::ModelTable models_;
  config::Config config_;
};

TEST_F(ModelCatalogTest, shows_the_target_of_a_mapped_name_and_the_model_that_serves_it) {
  const ModelCatalog catalog(models_, config_);
  const auto entries = catalog.entries();
  const auto* entry = anthropic::find_entry(*entries, "gpt-4");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->maps_to, "claude-sonnet-4-20250514");
  EXPECT_EQ(entry->served_by, "claude-sonnet-4-6");
  config_.follow_retirements = false;
  const ModelCatalog literal(models_, config_);
  EXPECT_EQ(anthropic::find_entry(*literal.entries(), "gpt-4")->served_by,
            "claude-sonnet-4-20250514");
}

TEST_F(ModelCatalogTest, maps_the_bare_name_of_a_line_to_its_newest_model) {
  config_.model_mapping["mine"] = "opus";
  const ModelCatalog catalog(models_, config_);
  const auto entries = catalog.entries();
  for (const auto& [name, id] : {std::pair("sonnet", "claude-sonnet-5-5"),
                                 {"opus", "claude-opus-5-5"},
                                 {"haiku", "claude-haiku-5-5"},
                                 {"fable", "claude-fable-5-2"},
                                 {"mine", "claude-opus-5-5"}}) {
    const auto* entry = anthropic::find_entry(*entries, name);
    ASSERT_NE(entry, nullptr) << name;
    EXPECT_EQ(entry->maps_to, id);
    EXPECT_EQ(entry->served_by, id);
  }
}

// Two models have a date of retirement, one of which is succeeded by the other; a third has a date
// and no successor.
constexpr const char* kDated = R"({"newest_family":"f","families":[{"name":"f","line":"opus",
  "context":9,"max_output":1,"sampling":true,"thinking":{"default":"off","off":"omit",
  "manual":"yes","adaptive":false,"display":"none"},"effort":{"levels":[],"default":null},
  "forced_tool_choice":"yes","prefill":"yes","structured_outputs":true,"mid_system":true,
  "preserved_thinking":"no"}],"models":[
  {"id":"new","family":"f","display_name":"x","life":{"state":"active"}},
  {"id":"later","family":"f","display_name":"x",
   "life":{"state":"deprecated","date":"2026-06-01","successor":"new"}},
  {"id":"old","aliases":["old-1"],"family":"f","display_name":"x",
   "life":{"state":"active","date":"2026-03-01","successor":"later"}},
  {"id":"lost","family":"f","display_name":"x","life":{"state":"active","date":"2026-01-01"}}]})";

TEST(ModelCatalog, retires_a_model_that_is_gone_once_its_date_has_passed) {
  const auto models = anthropic::parse_models(kDated).value();
  config::Config config;
  config.model_mapping = {{"mine", "old"}};
  ModelCatalog catalog(models, config);
  const Instant early = instant_of("2026-02-28").value();
  const Instant day = instant_of("2026-03-01").value();
  const Instant late = instant_of("2026-07-01").value();

  EXPECT_FALSE(catalog.retire("old", early)) << "its date has not come";
  EXPECT_FALSE(catalog.retire("new", late)) << "it has no date";
  EXPECT_FALSE(catalog.retire("lost", late)) << "it has no successor";
  EXPECT_FALSE(catalog.retire("unheard-of", late));
  EXPECT_EQ(catalog.successor("old"), "old") << "the clock alone retires nothing";

  EXPECT_TRUE(catalog.retire("old-1", day)) << "an alias names it, too";
  EXPECT_TRUE(catalog.retire("old", day)) << "another request was under way";
  EXPECT_EQ(catalog.successor("old"), "later");
  EXPECT_EQ(catalog.successor("old-1"), "later");
  EXPECT_EQ(anthropic::find_entry(*catalog.entries(), "old"), nullptr)
      << "a retired model is not listed";
  EXPECT_EQ(anthropic::find_entry(*catalog.entries(), "mine")->served_by, "later");

  EXPECT_TRUE(catalog.retire("later", late));
  EXPECT_EQ(catalog.successor("old"), "new") << "the chain goes on";
  catalog.rebuild(config);
  EXPECT_EQ(catalog.successor("old"), "new") << "another configuration keeps it retired";
}

TEST_F(ModelCatalogTest, lets_one_caller_at_a_time_fetch_the_list) {
  ModelCatalog catalog(models_, config_);
  EXPECT_TRUE(catalog.claim_refresh());
  EXPECT_FALSE(catalog.claim_refresh());
  catalog.release_refresh();
  EXPECT_TRUE(catalog.claim_refresh());
  EXPECT_FALSE(catalog.claim_refresh());
}

TEST_F(ModelCatalogTest, adds_what_the_upstream_lists_and_ignores_a_body_that_is_no_list) {
  ModelCatalog catalog(models_, config_);
  const auto before = catalog.entries()->size();
  catalog.merge("nonsense");
  EXPECT_EQ(catalog.entries()->size(), before);
  catalog.merge(
      R"({"data":[{"type":"model","id":"claude-new-9","display_name":"New","created_at":"2026-11-01T00:00:00Z"}],)"
      R"("has_more":false,"first_id":"claude-new-9","last_id":"claude-new-9"})");
  EXPECT_NE(anthropic::find_entry(*catalog.entries(), "claude-new-9"), nullptr);
  EXPECT_EQ(catalog.entries()->size(), before + 1);
}

}  // namespace
}  // namespace ccproxy::proxy
