#include "config/model_map.hpp"

#include <gtest/gtest.h>

namespace ccproxy::config {
namespace {

const ModelMapping kMapping = {{"gpt-4", "exact"}, {"gpt-*", "short"}, {"gpt-4*", "longer"},
                               {"*-mini", "mini"}, {"*", "any"},       {"a*b*c", "middle"}};

struct Row {
  const char* says;
  const char* asked;
  const char* sent;
};

const Row kRows[] = {
    {"an exact name comes before every pattern", "gpt-4", "exact"},
    {"the pattern with most literal characters wins", "gpt-4.1", "longer"},
    {"a shorter one is left for the rest", "gpt-5", "short"},
    {"of equals the first by name: '*-mini' and 'gpt-4*' have five and five", "gpt-4-mini", "mini"},
    {"a star stands for nothing, too", "abc", "middle"},
    {"several stars", "a--b--c", "middle"},
    {"one star fits all", "claude-x", "any"},
};

TEST(ModelMap, finds_the_best_row) {
  for (const Row& row : kRows) EXPECT_EQ(map_model(kMapping, row.asked), row.sent) << row.says;
}

TEST(ModelMap, leaves_an_unknown_name_as_it_is) {
  EXPECT_EQ(map_model(default_mapping(), "claude-sonnet-5"), "claude-sonnet-5");
  EXPECT_EQ(map_model(default_mapping(), "gpt-4"), "claude-sonnet-4-20250514");
  EXPECT_EQ(map_model({}, ""), "");
}

TEST(ModelMap, takes_a_hostile_name_in_its_stride) {
  const std::string text(20000, 'a');
  EXPECT_FALSE(fits_pattern("*a*a*a*a*a*a*a*a*b", text));
  EXPECT_TRUE(fits_pattern("*a*a*a*a*a*a*a*a*", text));
}

}  // namespace
}  // namespace ccproxy::config
