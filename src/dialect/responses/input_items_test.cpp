#include "dialect/responses/input_items.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::dialect {
namespace {

InputItems items_of(const std::string& request) {
  json::Outline outline;
  EXPECT_TRUE(outline.read(request));
  return input_items_of(outline.root(), "K");
}

TEST(InputItems, are_one_message_for_a_text) {
  const auto items = items_of(R"({"input":"a \"b\""})");
  ASSERT_EQ(items.ids.count(), 1U);
  ASSERT_EQ(items.items.count(), 1U);
  EXPECT_EQ(items.ids[0], "msg_in_K_0");
  EXPECT_EQ(items.items[0], R"({"id":"msg_in_K_0","type":"message","role":"user",)"
                            R"("content":[{"type":"input_text","text":"a \"b\""}]})");
}

TEST(InputItems, keep_their_ids_or_get_one) {
  const auto items =
      items_of(R"({"input":[{"role":"user"},{"id":"a\"\u00e9"},{"type":"reasoning"},{"id":""}]})");
  ASSERT_EQ(items.ids.count(), 4U);
  EXPECT_EQ(items.ids[0], "msg_in_K_0");
  EXPECT_EQ(items.ids[1], "a\"\u00e9");
  EXPECT_EQ(items.ids[2], "rs_in_K_2");
  EXPECT_EQ(items.items[2], R"({"id":"rs_in_K_2","type":"reasoning"})");
  EXPECT_EQ(items.ids[3].substr(items.ids[3].size() - 7), "_in_K_3");
}

struct Case {
  const char* name;
  const char* item;
  const char* listed;
};

const Case kCases[] = {
    {"a message without type and id gets both", R"({"role":"user","content":"a"})",
     R"({"id":"msg_in_K_0","type":"message","role":"user","content":[{"type":"input_text","text":"a"}]})"},
    {"text of the assistant is output", R"({"role":"assistant","content":"a"})",
     R"({"id":"msg_in_K_0","type":"message","role":"assistant","content":[{"type":"output_text","annotations":[],"text":"a"}]})"},
    {"an id alone is a reference", R"({"id":"rs_1"})", R"({"id":"rs_1","type":"item_reference"})"},
    {"the same with a type that is null", R"({"type":null,"id":"rs_1"})",
     R"({"id":"rs_1","type":"item_reference"})"},
    {"a type that a later null overrides is none",
     R"({"type":"x","type":null,"role":"user","content":"a"})",
     R"({"id":"msg_in_K_0","type":"message","role":"user","content":[{"type":"input_text","text":"a"}]})"},
    {"an id that is there stays", R"({"id":"fc_1","type":"function_call","name":"f"})",
     R"({"id":"fc_1","type":"function_call","name":"f"})"},
    {"white space goes, but not in texts", "{\"type\": \"message\",\n \"content\": [ \"a b\" ]}",
     R"({"id":"msg_in_K_0","type":"message","content":["a b"]})"},
    {"a result gets an id of its kind", R"({"type":"function_call_output","output":"x"})",
     R"({"id":"fco_in_K_0","type":"function_call_output","output":"x"})"},
};

TEST(InputItems, are_stored_with_id_type_and_parts) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.name);
    const auto items = items_of(std::string(R"({"input":[)") + row.item + "]}");
    ASSERT_EQ(items.items.count(), 1U);
    EXPECT_EQ(items.items[0], row.listed);
  }
}

const Case kListed[] = {
    {"a message has a status, text of the assistant its lists",
     R"({"id":"m","type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]})",
     R"({"id":"m","type":"message","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[]}],"status":"completed"})"},
    {"an image has its detail, null or missing",
     R"({"type":"message","content":[{"type":"input_image","detail":null,"file_id":"f"},{"type":"input_image"}]})",
     R"({"type":"message","content":[{"type":"input_image","file_id":"f","detail":"auto"},{"type":"input_image","detail":"auto"}],"status":"completed"})"},
    {"members that are there stay",
     R"({"type":"message","status":"incomplete","content":[{"type":"input_image","detail":"low"},"x"]})",
     R"({"type":"message","status":"incomplete","content":[{"type":"input_image","detail":"low"},"x"]})"},
    {"an image in the result of a function",
     R"({"type":"function_call_output","output":[{"type":"input_image"}]})",
     R"({"type":"function_call_output","output":[{"type":"input_image","detail":"auto"}],"status":"completed"})"},
    {"a result that is a text", R"({"type":"custom_tool_call_output","output":"[]"})",
     R"({"type":"custom_tool_call_output","output":"[]","status":"completed"})"},
    {"the status of a patch is its result",
     R"({"type":"apply_patch_call_output","status":"failed"})",
     R"({"type":"apply_patch_call_output","status":"failed"})"},
    {"a patch without a status gets none", R"({"type":"apply_patch_call_output"})",
     R"({"type":"apply_patch_call_output"})"},
    {"a reference has no status", R"({"id":"rs_1","type":"item_reference"})",
     R"({"id":"rs_1","type":"item_reference"})"},
    {"a name of a member with escapes", R"({"type":"message","a\"b":1})",
     R"({"type":"message","a\"b":1,"status":"completed"})"},
    {"no object", "[1]", "[1]"},
    {"no JSON", "{", "{"},
};

TEST(ListedItem, has_the_members_that_the_api_always_gives) {
  for (const Case& row : kListed) EXPECT_EQ(listed_item(row.item), row.listed) << row.name;
}

TEST(References, are_the_previous_response_and_the_items_that_the_input_names) {
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
