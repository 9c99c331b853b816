#include "dialect/past.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::dialect {
namespace {

std::vector<InputItem> items_of(const std::string& request) {
  json::Outline outline;
  EXPECT_TRUE(outline.read(request));
  return input_items_of(outline.root(), "K");
}

TEST(InputItems, of_a_text_are_one_message) {
  const auto items = items_of(R"({"input":"a \"b\""})");
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].id, "msg_in_K_0");
  EXPECT_EQ(items[0].json, R"({"id":"msg_in_K_0","type":"message","role":"user",)"
                           R"("content":[{"type":"input_text","text":"a \"b\""}]})");
}

struct Case {
  const char* says;
  const char* item;
  const char* listed;
};

const Case kCases[] = {
    {"a message without type and id gets both", R"({"role":"user","content":"a"})",
     R"({"id":"msg_in_K_0","type":"message","role":"user","content":[{"type":"input_text","text":"a"}]})"},
    {"what the assistant said is output", R"({"role":"assistant","content":"a"})",
     R"({"id":"msg_in_K_0","type":"message","role":"assistant","content":[{"type":"output_text","annotations":[],"text":"a"}]})"},
    {"one that only names another says so", R"({"id":"rs_1"})",
     R"({"id":"rs_1","type":"item_reference"})"},
    {"the same with a type that is null", R"({"type":null,"id":"rs_1"})",
     R"({"id":"rs_1","type":"item_reference"})"},
    {"an id that is there stays", R"({"id":"fc_1","type":"function_call","name":"f"})",
     R"({"id":"fc_1","type":"function_call","name":"f"})"},
    {"white space goes, but not in texts", "{\"type\": \"message\",\n \"content\": [ \"a b\" ]}",
     R"({"id":"msg_in_K_0","type":"message","content":["a b"]})"},
    {"a result gets an id of its kind", R"({"type":"function_call_output","output":"x"})",
     R"({"id":"fco_in_K_0","type":"function_call_output","output":"x"})"},
};

TEST(InputItems, are_listed_with_id_type_and_parts) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.says);
    const auto items = items_of(std::string(R"({"input":[)") + row.item + "]}");
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items[0].json, row.listed);
  }
}

TEST(References, are_what_the_input_names_and_the_response_before) {
  json::Outline outline;
  const std::string request =
      R"({"previous_response_id":"resp_1","input":[{"type":"item_reference","id":"msg_1"},)"
      R"({"id":"rs_1"},{"type":null,"id":"rs_2"},{"type":"message","id":"msg_2","role":"user"},)"
      R"({"type":"web_search_call","id":"ws_1"},{"type":"item_reference"}]})";
  ASSERT_TRUE(outline.read(request));
  const References references = references_of(outline.root());
  EXPECT_EQ(references.previous, "resp_1");
  EXPECT_EQ(references.items, (std::vector<std::string>{"msg_1", "rs_1", "rs_2", "ws_1"}));
}

}  // namespace
}  // namespace ccproxy::dialect
