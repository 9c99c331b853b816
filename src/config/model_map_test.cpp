#include "config/model_map.hpp"

#include <gtest/gtest.h>

namespace ccproxy::config {
namespace {

const ModelMapping kMapping = {{"gpt-4", "exact"}, {"gpt-*", "short"}, {"gpt-4*", "longer"},
                               {"*-mini", "mini"}, {"*", "any"},       {"a*b*c", "middle"}};

struct Row {
  const char* name;
  const char* requested;
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

TEST(ModelMap, prefers_the_exact_name_and_then_the_longest_pattern) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const auto* const found = find_mapping(kMapping, row.requested);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->second, row.sent);
  }
}

TEST(ModelMap, has_no_row_for_an_unknown_name) {
  EXPECT_EQ(find_mapping(default_mapping(), "claude-sonnet-5"), nullptr);
  EXPECT_EQ(find_mapping(default_mapping(), "gpt-4")->second, "claude-sonnet-4-20250514");
  EXPECT_EQ(find_mapping({}, ""), nullptr);
}

TEST(ModelMap, tells_defaults_from_a_persons_rows) {
  const ModelMapping mapping = {
      {"gpt-4", "claude-sonnet-4-20250514"}, {"gpt-4o", "claude-opus-5"}, {"mine", "sonnet"}};
  EXPECT_TRUE(is_default(*mapping.find("gpt-4")));
  EXPECT_FALSE(is_default(*mapping.find("gpt-4o"))) << "it has another target";
  EXPECT_FALSE(is_default(*mapping.find("mine"))) << "it has another name";
}

TEST(ModelMap, matches_a_hostile_name_in_bounded_time) {
  const std::string text(20000, 'a');
  EXPECT_FALSE(fits_pattern("*a*a*a*a*a*a*a*a*b", text));
  EXPECT_TRUE(fits_pattern("*a*a*a*a*a*a*a*a*", text));
}

}  // namespace
}  // namespace ccproxy::config
