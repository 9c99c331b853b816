#include "dialect/reply/streamed_input.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::dialect {
namespace {

struct Case {
  const char* name;
  bool is_custom;
  const char* start;
  std::vector<const char*> pieces;
  const char* expected;
};

const Case kCases[] = {
    {"arguments pass unchanged", false, "", {R"({\"a\")", R"(:1})"}, R"({\"a\":1})"},
    {"the text of a custom tool is decoded",
     true,
     "",
     {R"({\"input\":\"a\\)", R"(nb\"})"},
     R"(a\nb)"},
    {"pieces win over the start event", false, R"({"q":1})", {R"({\"a\":1})"}, R"({\"a\":1})"},
    {"arguments of the start event", false, R"({"q":1})", {}, R"({\"q\":1})"},
    {"arguments of the start event after empty pieces", false, R"({"q":1})", {""}, R"({\"q\":1})"},
    {"a custom tool's text in the start event", true, R"({"input":"a"})", {}, "a"},
    {"no arguments are an empty object", false, "", {}, "{}"},
    {"no text is an empty text", true, "", {}, ""},
};

TEST(StreamedInput, is_what_the_client_gets) {
  StreamedInput input;
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.name);
    input.begin(row.is_custom, row.start);
    std::string output;
    for (const char* piece : row.pieces) output += input.feed(piece);
    output += input.finish();
    EXPECT_EQ(output, row.expected);
  }
}

}  // namespace
}  // namespace ccproxy::dialect
