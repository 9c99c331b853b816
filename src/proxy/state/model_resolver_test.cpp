#include "proxy/state/model_resolver.hpp"

#include <gtest/gtest.h>

#include <string>

#include "anthropic/models_data.hpp"
#include "config/model_map.hpp"
#include "proxy/state/model_catalog.hpp"
#include "proxy/state/test_log.hpp"

namespace ccproxy::proxy {
namespace {

class ModelResolverTest : public testing::Test {
 protected:
  ModelResolverTest() { config_.model_mapping = config::default_mapping(); }

  std::string resolve(const std::string& name) {
    return resolver_.resolve(config_, name, receipt_);
  }

  const anthropic::ModelTable models_ = anthropic::parse_models(anthropic::kModelsJson).value();
  config::Config config_;
  ModelCatalog catalog_{models_, config_};
  TestLog log_;
  ModelResolver resolver_{models_, catalog_, log_};
  telemetry::Receipt receipt_;
};

TEST_F(ModelResolverTest, notes_the_name_that_was_requested_and_the_id_that_is_sent) {
  EXPECT_EQ(resolve("claude-haiku-4.5"), "claude-haiku-4-5");
  EXPECT_EQ(receipt_.model_requested, "claude-haiku-4.5");
  EXPECT_EQ(receipt_.model_sent, "claude-haiku-4-5");
  EXPECT_EQ(receipt_.warning, "");
}

TEST_F(ModelResolverTest, warns_of_a_retired_model_and_logs_it_once) {
  EXPECT_EQ(resolve("claude-sonnet-4-20250514"), "claude-sonnet-4-6");
  EXPECT_EQ(receipt_.warning, "model_retired");
  EXPECT_EQ(resolve("claude-sonnet-4-20250514"), "claude-sonnet-4-6");
  EXPECT_EQ(log_.count("model_retired"), 1U);
}

TEST_F(ModelResolverTest, does_not_warn_of_the_targets_of_the_built_in_mapping) {
  EXPECT_EQ(resolve("gpt-4"), "claude-sonnet-4-6");
  EXPECT_EQ(receipt_.warning, "");
  EXPECT_EQ(log_.count("model_retired"), 0U);
}

TEST_F(ModelResolverTest, sends_a_retired_id_where_retirements_are_not_followed) {
  config_.follow_retirements = false;
  EXPECT_EQ(resolve("claude-sonnet-4-20250514"), "claude-sonnet-4-20250514");
  EXPECT_EQ(receipt_.warning, "");
}

constexpr const char* kModel = "claude-opus-4-5";  // data/models.json retires it on 2027-01-22
constexpr const char* kNoModel =
    R"({"type":"error","error":{"type":"not_found_error","message":"model: claude-opus-4-5"}})";

TEST_F(ModelResolverTest, takes_a_404_behind_the_date_of_a_model_for_its_retirement) {
  receipt_.model_requested = receipt_.model_sent = kModel;
  EXPECT_EQ(
      resolver_.successor_of_missing(config_, kNoModel, instant_of("2027-01-23").value(), receipt_),
      "claude-opus-5-5");
  EXPECT_EQ(receipt_.model_sent, "claude-opus-5-5");
  EXPECT_EQ(receipt_.warning, "model_retired");
  EXPECT_EQ(log_.count("model_retired"), 1U);
  EXPECT_EQ(resolve(kModel), "claude-opus-5-5") << "it is retired from then on";
}

struct OtherError {
  const char* description;
  const char* sent;
  const char* error_body;
  const char* now;
  bool is_followed;
};

const OtherError kOtherErrors[] = {
    {"an error of another type", kModel,
     R"({"type":"error","error":{"type":"invalid_request_error","message":"claude-opus-4-5"}})",
     "2027-01-23", true},
    {"an error that names another model", "claude-opus-5", kNoModel, "2027-01-23", true},
    {"a body that is no error", kModel, "claude-opus-4-5 was not found", "2027-01-23", true},
    {"no model was sent", "", kNoModel, "2027-01-23", true},
    {"retirements are not followed", kModel, kNoModel, "2027-01-23", false},
    {"the date of the model has not come", kModel, kNoModel, "2027-01-21", true},
};

TEST_F(ModelResolverTest, takes_no_other_error_for_a_retirement) {
  for (const OtherError& row : kOtherErrors) {
    SCOPED_TRACE(row.description);
    config_.follow_retirements = row.is_followed;
    receipt_.model_sent = row.sent;
    const Instant now = instant_of(row.now).value();
    EXPECT_EQ(resolver_.successor_of_missing(config_, row.error_body, now, receipt_), "");
    EXPECT_EQ(receipt_.model_sent, row.sent);
    EXPECT_EQ(receipt_.warning, "");
  }
}

}  // namespace
}  // namespace ccproxy::proxy
