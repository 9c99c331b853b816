#include "dialect/request/report.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::dialect {
namespace {

std::vector<std::string> names(std::size_t count, const std::string& name) {
  return std::vector<std::string>(count, name);
}

TEST(HeaderList, joins_names_with_commas) {
  EXPECT_EQ(header_list({}), "");
  EXPECT_EQ(header_list({"seed", "messages[0].a-b_c"}), "seed,messages[0].a-b_c");
}

// The names come from clients, so they must not end the line or the item of the list.
TEST(HeaderList, replaces_other_characters_by_question_marks) {
  EXPECT_EQ(header_list({"a\r\nb, c:\xC3\xBC\""}), "a??b??c????");
}

TEST(HeaderList, ends_after_thirty_two_names) {
  EXPECT_EQ(header_list(names(32, "a")).size(), 63U);
  const std::string list = header_list(names(33, "a"));
  EXPECT_EQ(list.size(), 67U);
  EXPECT_TRUE(list.ends_with(",a,..."));
}

TEST(HeaderList, ends_before_a_name_that_does_not_fit_into_a_kibibyte) {
  const std::string long_name(255, 'x');
  EXPECT_EQ(header_list(names(4, long_name)).size(), 4 * 256 - 1U);
  EXPECT_EQ(header_list(names(5, long_name)), header_list(names(4, long_name)) + ",...");
}

TEST(Report, lists_each_field_and_warning_once) {
  ReplyPlan plan;
  Report report(plan, false);
  for (int i = 0; i < 2; ++i) {
    report.ignore("seed");
    report.warn("result_missing", "messages[1]");
  }
  EXPECT_EQ(plan.ignored, names(1, "seed"));
  EXPECT_EQ(plan.warnings, names(1, "result_missing"));
  EXPECT_FALSE(report.refused());
}

TEST(Report, names_the_earlier_response_that_an_error_is_in) {
  ReplyPlan plan;
  Report report(plan, false);
  report.enter_response("resp_1");
  report.ignore("input[1].x");
  report.refuse_type("input[2]", "an object");
  report.leave_response();
  report.ignore("seed");
  EXPECT_EQ(plan.ignored, (std::vector<std::string>{"previous_response_id", "seed"}));
  const Error error = report.take_error().value();
  EXPECT_EQ(error.param, "previous_response_id");
  EXPECT_EQ(error.message,
            "Invalid type for 'input[2]': expected an object. (This was found in the response "
            "'resp_1'.)");
}

TEST(Report, refuses_what_it_would_report_when_strict) {
  ReplyPlan plan;
  Report report(plan, true);
  report.warn("result_missing", "messages[1]");
  report.ignore("seed");
  ASSERT_TRUE(report.refused());
  EXPECT_EQ(report.take_error().value().param, "messages[1]");
  EXPECT_TRUE(plan.ignored.empty());
  EXPECT_TRUE(plan.warnings.empty());
}

}  // namespace
}  // namespace ccproxy::dialect
