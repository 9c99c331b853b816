#include "proxy/state/mapped_model.hpp"

#include <gtest/gtest.h>

#include "anthropic/models_data.hpp"

namespace ccproxy::proxy {
namespace {

struct Row {
  const char* description;
  const char* name;
  const char* target;
  bool is_default;
};

const Row kRows[] = {
    {"a documented default keeps its target", "gpt-4", "claude-sonnet-4-20250514", true},
    {"the name of a line means its newest model", "haiku", "claude-haiku-5-5", true},
    {"a configured row for a line wins", "sonnet", "claude-sonnet-4-6", false},
    {"a configured target may be a line", "mine", "claude-opus-5-5", false},
    {"a configured target is taken as it is written", "literal", "anthropic/claude-opus-5", false},
    {"a pattern comes before a spelling", "anthropic/claude-x.1", "claude-opus-5", false},
    {"a spelling is understood", "claude-haiku-4.5", "claude-haiku-4-5", false},
    {"a line without a row is sent as it is", "opus", "opus", false},
    {"an unknown name is sent as it is", "whatever", "whatever", false},
};

TEST(MappedModel, comes_from_the_mapping_or_from_the_spelling_of_an_id) {
  const auto models = anthropic::parse_models(anthropic::kModelsJson).value();
  config::ModelMapping mapping = config::default_mapping();
  mapping["sonnet"] = "claude-sonnet-4-6";
  mapping["mine"] = "opus";
  mapping["literal"] = "anthropic/claude-opus-5";
  mapping["anthropic/claude-x*"] = "claude-opus-5";
  mapping.erase("opus");
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    const MappedModel mapped = map_model_name(models, mapping, row.name);
    EXPECT_EQ(mapped.target, row.target);
    EXPECT_EQ(mapped.is_default, row.is_default);
  }
}

}  // namespace
}  // namespace ccproxy::proxy
