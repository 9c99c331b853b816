#include "proxy/catalog.hpp"

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
  const Catalog catalog(models_, config_);
  const auto entries = catalog.entries();
  const auto* entry = anthropic::find_entry(*entries, "gpt-4");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->maps_to, "claude-sonnet-4-20250514");
  EXPECT_EQ(entry->served_by, "claude-sonnet-4-6");
  config_.follow_retirements = false;
  const Catalog literal(models_, config_);
  EXPECT_EQ(anthropic::find_entry(*literal.entries(), "gpt-4")->served_by,
            "claude-sonnet-4-20250514");
}

TEST_F(CatalogTest, one_caller_at_a_time_is_sent_to_ask_the_upstream) {
  Catalog catalog(models_, config_);
  EXPECT_TRUE(catalog.claim_refresh());
  EXPECT_FALSE(catalog.claim_refresh());
}

TEST_F(CatalogTest, what_the_upstream_lists_joins_and_what_is_no_list_changes_nothing) {
  Catalog catalog(models_, config_);
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
