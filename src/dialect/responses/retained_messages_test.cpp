#include "dialect/responses/retained_messages.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ccproxy::dialect {
namespace {

std::string message(const std::string& id, const std::string& text) {
  return R"({"id":")" + id +
         R"(","type":"message","role":"user","content":[{"type":"input_text",)" + R"("text":")" +
         text + R"("}],"status":"completed"})";
}

std::string retained(const std::string& request, const History* history) {
  json::Outline outline;
  EXPECT_TRUE(outline.read(request)) << request;
  return retained_messages(outline.root(), history, "K");
}

TEST(RetainedMessages, are_messages_of_the_user_alone) {
  const std::string request =
      R"({"input":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},)"
      R"({"type":"function_call_output","output":"{\"role\":\"user\"}"},)"
      R"({"type":"other","inside":{"role":"user"}},{"type":"message","role":"user","id":"m",)"
      R"("content":[{"type":"input_text","text":"c"}]}]})";
  EXPECT_EQ(retained(request, nullptr), message("msg_in_K_0", "a") + "," + message("m", "c"));
  EXPECT_EQ(retained(R"({"input":"a"})", nullptr), message("msg_in_K_0", "a"));
  EXPECT_EQ(retained("{}", nullptr), "");
}

TEST(RetainedMessages, come_from_earlier_responses_and_references_too) {
  History history;
  history.turns.push_back({.input = message("m1", "a"), .output = {}});
  history.turns.push_back({.input = message("m2", "b") +
                                    R"(,{"type":"item_reference","id":"m0"},)" +
                                    R"({"type":"item_reference","id":"msg_said"})",
                           .output = {}});
  history.items["m0"] = {.json = message("m0", "z")};
  history.items["msg_said"] = {.json = message("msg_said", "no"), .is_output = true};
  const std::string all = message("m1", "a") + "," + message("m2", "b") + "," + message("m0", "z");
  EXPECT_EQ(retained("{}", &history), all);
  EXPECT_EQ(retained(R"({"input":"c"})", &history), all + "," + message("msg_in_K_0", "c"));
}

TEST(RetainedMessages, end_at_the_first_that_has_no_room) {
  const std::string large(50'000, 'x');
  History history;
  history.turns.push_back({.input = message("m1", "small"), .output = {}});
  history.turns.push_back({.input = message("m2", large), .output = {}});
  EXPECT_EQ(retained(R"({"input":")" + large + R"("})", &history), message("msg_in_K_0", large))
      << "no message is left out between two";
  const std::string part = R"({"type":"input_text","text":")" + large + R"("})";
  const std::string parts = R"({"role":"user","content":[)" + part + "," + part + "," + part + "]}";
  EXPECT_EQ(retained(R"({"input":[{"role":"user","content":"a"},)" + parts + "]}", nullptr), "")
      << "a message is retained whole or not at all, and nothing before it";
}

}  // namespace
}  // namespace ccproxy::dialect
