#include "proxy/state/model_catalog.hpp"

#include <gtest/gtest.h>

#include "anthropic/models_data.hpp"
#include "config/model_map.hpp"

namespace ccproxy::proxy {
namespace {

class CatalogTest : public testing::Test {
 protected:
  CatalogTest() : models_(anthropic::parse_models(anthropic::kModelsJson).value()) {
    config_.model_mapping = config::default_mapping();
  }
  anthropic::ModelTable models_;
  config::Config config_;
};

TEST_F(CatalogTest, names_of_the_mapping_say_what_they_stand_for_and_who_serves_them) {
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

TEST_F(CatalogTest, the_bare_name_of_a_line_stands_for_its_newest_model) {
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

// Two that the provider has announced the end of, one of which goes on in the other, and one that
// has nowhere to go.
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

TEST(ModelCatalog, a_dated_model_that_is_gone_counts_as_retired_from_then_on) {
  const auto models = anthropic::parse_models(kDated).value();
  config::Config config;
  config.model_mapping = {{"mine", "old"}};
  ModelCatalog catalog(models, config);
  const Instant early = instant_of("2026-02-28").value();
  const Instant day = instant_of("2026-03-01").value();
  const Instant late = instant_of("2026-07-01").value();

  EXPECT_FALSE(catalog.retire("old", early)) << "its day has not come";
  EXPECT_FALSE(catalog.retire("new", late)) << "no day is set";
  EXPECT_FALSE(catalog.retire("lost", late)) << "nothing follows it";
  EXPECT_FALSE(catalog.retire("unheard-of", late));
  EXPECT_EQ(catalog.successor("old"), "old") << "the clock alone retires nothing";

  EXPECT_TRUE(catalog.retire("old-1", day)) << "by an alias";
  EXPECT_TRUE(catalog.retire("old", day)) << "another request that was under way";
  EXPECT_EQ(catalog.successor("old"), "later");
  EXPECT_EQ(catalog.successor("old-1"), "later");
  EXPECT_EQ(anthropic::find_entry(*catalog.entries(), "old"), nullptr) << "it is not listed";
  EXPECT_EQ(anthropic::find_entry(*catalog.entries(), "mine")->served_by, "later");

  EXPECT_TRUE(catalog.retire("later", late));
  EXPECT_EQ(catalog.successor("old"), "new") << "the chain goes on";
  catalog.rebuild(config);
  EXPECT_EQ(catalog.successor("old"), "new") << "another configuration changes nothing";
}

TEST_F(CatalogTest, one_caller_at_a_time_is_sent_to_ask_the_upstream) {
  ModelCatalog catalog(models_, config_);
  EXPECT_TRUE(catalog.claim_refresh());
  EXPECT_FALSE(catalog.claim_refresh());
  catalog.release_refresh();
  EXPECT_TRUE(catalog.claim_refresh());
  EXPECT_FALSE(catalog.claim_refresh());
}

TEST_F(CatalogTest, what_the_upstream_lists_joins_and_what_is_no_list_changes_nothing) {
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
