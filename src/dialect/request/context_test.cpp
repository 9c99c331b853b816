#include "dialect/request/context.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ccproxy::dialect {
namespace {

TEST(AppendTurn, replaces_the_turn_that_was_appended_before) {
  const std::string request = R"({"model":"m","messages":[{"role":"user","content":"q"}]})";
  std::string body = request;
  for (const std::string text : {"a", "ab", ""}) {
    const std::string block = R"({"type":"text","text":")" + text + "\"}";
    append_turn(body, request.size(), block);
    EXPECT_EQ(body, R"({"model":"m","messages":[{"role":"user","content":"q"},)"
                    R"({"role":"assistant","content":[)" +
                        block + "]}]}");
  }
}

}  // namespace
}  // namespace ccproxy::dialect
