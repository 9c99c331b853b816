#include "proxy/state/meaning.hpp"

#include <gtest/gtest.h>

#include "anthropic/models_data.hpp"

namespace ccproxy::proxy {
namespace {

struct Row {
  const char* says;
  const char* asked;
  const char* target;
  bool is_default;
};

const Row kRows[] = {
    {"a documented default keeps its target", "gpt-4", "claude-sonnet-4-20250514", true},
    {"a line's name is its newest model", "haiku", "claude-haiku-5-5", true},
    {"a person's own row of a line wins", "sonnet", "claude-sonnet-4-6", false},
    {"a person's target may be a line", "mine", "claude-opus-5-5", false},
    {"a person's target is taken as it is written", "literal", "anthropic/claude-opus-5", false},
    {"a pattern counts before a spelling", "anthropic/claude-x.1", "claude-opus-5", false},
    {"a spelling is understood", "claude-haiku-4.5", "claude-haiku-4-5", false},
    {"a removed line goes up as it is", "opus", "opus", false},
    {"what nobody knows goes up as it is", "whatever", "whatever", false},
};

TEST(Meaning, of_a_name_is_found) {
  const auto models = anthropic::parse_models(anthropic::kModelsJson).value();
  config::ModelMapping mapping = config::default_mapping();
  mapping["sonnet"] = "claude-sonnet-4-6";
  mapping["mine"] = "opus";
  mapping["literal"] = "anthropic/claude-opus-5";
  mapping["anthropic/claude-x*"] = "claude-opus-5";
  mapping.erase("opus");
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.says);
    const Meaning meaning = meaning_of(models, mapping, row.asked);
    EXPECT_EQ(meaning.target, row.target);
    EXPECT_EQ(meaning.is_default, row.is_default);
  }
}

}  // namespace
}  // namespace ccproxy::proxy
