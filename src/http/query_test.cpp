#include "http/query.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ccproxy::http {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct ReadRow {
  const char* description;
  const char* query;
  Parameters parameters;
};

const ReadRow kRead[] = {
    {"no query at all", "", {}},
    {"a question mark alone", "?", {}},
    {"the question mark is optional", "a=1", {{"a", "1"}}},
    {"parameters come in the order in which they were sent",
     "?b=2&a=1&b=3",
     {{"b", "2"}, {"a", "1"}, {"b", "3"}}},
    {"only the first question mark is cut off", "??a=1", {{"?a", "1"}}},
    {"a parameter without an equals sign has an empty value", "?a&b=", {{"a", ""}, {"b", ""}}},
    {"a value may have equals signs", "?a=b=c", {{"a", "b=c"}}},
    {"a name may be empty", "?=x", {{"", "x"}}},
    {"empty parameters are passed over", "?&&a=1&&", {{"a", "1"}}},
    {"nothing is decoded", "?a%20b=c+d%26", {{"a%20b", "c+d%26"}}},
    {"spaces around a parameter, which a paste may have, are cut off",
     "? a=1 &\tb = 2",
     {{"a", "1"}, {"b ", " 2"}}},
    {"characters that RFC 3986 forbids are read", "?a=[\"x\"]|{}", {{"a", "[\"x\"]|{}"}}},
};

TEST(QueryReader, returns_each_parameter_as_it_was_sent) {
  for (const ReadRow& row : kRead) {
    Parameters read;
    QueryReader reader(row.query);
    while (const auto parameter = reader.next())
      read.emplace_back(std::string(parameter->name), std::string(parameter->value));
    EXPECT_EQ(read, row.parameters) << row.description;
  }
}

TEST(QueryValue, is_the_one_of_the_first_parameter_of_that_name) {
  EXPECT_EQ(query_value("?limit=5&limit=6", "limit"), "5");
  EXPECT_EQ(query_value("?limit", "limit"), "");
  EXPECT_EQ(query_value("?unlimit=5&limits=6", "limit"), std::nullopt);
  EXPECT_EQ(query_value("?Limit=5", "limit"), std::nullopt);
  EXPECT_EQ(query_value("", "limit"), std::nullopt);
}

TEST(QueryValue, is_decoded_on_demand) {
  EXPECT_EQ(decoded_query_value("?a=b+c%2Bd", "a"), "b c+d");
  EXPECT_EQ(decoded_query_value("?a=100%", "a"), "100%");
  EXPECT_EQ(decoded_query_value("?a%62=1", "ab"), "");
  EXPECT_EQ(decoded_query_value("?a=1", "b"), "");
}

TEST(AppendQuery, encodes_values_so_that_they_are_read_back) {
  std::string url = "https://example.com/authorize";
  append_query(url, {{"code", "true"}, {"scope", "a b&c=d"}, {"state", ""}});
  EXPECT_EQ(url, "https://example.com/authorize?code=true&scope=a%20b%26c%3Dd&state=");
  const std::string query = url.substr(url.find('?'));
  EXPECT_EQ(decoded_query_value(query, "scope"), "a b&c=d");
  EXPECT_EQ(query_value(query, "state"), "");
}

}  // namespace
}  // namespace ccproxy::http
