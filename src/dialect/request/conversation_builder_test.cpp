#include "dialect/request/conversation_builder.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ccproxy::dialect {
namespace {

using json::Value;

class ConversationBuilderTest : public testing::Test {
 protected:
  static Block text(std::string_view text) { return {.kind = Block::Kind::kText, .text = text}; }

  static HistoryCall call(std::string_view id, std::string_view tool, std::string_view input) {
    return {.call = {.id = id, .name = tool, .input = {input}}, .message = 1, .index = 1};
  }

  // Adds a turn of the assistant with the calls that are added now.
  void add_calls(std::initializer_list<HistoryCall> calls) {
    conversation_.begin_calls();
    std::vector<Block> blocks;
    for (const HistoryCall& each : calls) conversation_.add_call(each, blocks);
    conversation_.add_assistant(1, blocks);
  }

  void add_user(std::string_view words) {
    const Block block = text(words);
    conversation_.add_user(0, {&block, 1});
  }

  static std::string json_of(std::span<const Block> blocks) {
    std::string json;
    for (const Block& block : blocks) append_block(json, block);
    return json;
  }

  // The turns as `u` user, `a` assistant and `s` system.
  [[nodiscard]] std::string roles() {
    std::string roles;
    for (const Turn& turn : turns_.all())
      roles += turn.role == Role::kUser ? 'u' : turn.role == Role::kAssistant ? 'a' : 's';
    return roles;
  }

  const RequestedModel requested_{.name = "m"};
  const anthropic::Capabilities can_{.family = "f"};
  const TranslationOptions options_{};
  const RequestContext context_{
      .requested = requested_, .model = "m", .can = can_, .options = options_};
  ReplyPlan plan_;
  Report report_{plan_, false};
  RequestArena arena_;
  ToolNames names_{arena_};
  RequestTools tools_{context_, report_, arena_, names_};
  std::vector<std::string> betas_;
  std::vector<Block> system_;
  Turns turns_{arena_, "messages"};
  ConversationBuilder conversation_{{context_, report_, arena_, tools_, betas_, system_, turns_}};
};

TEST_F(ConversationBuilderTest, moves_leading_system_messages_to_the_system_blocks) {
  const Block early = text("early"), late = text("late");
  conversation_.add_system(0, {&early, 1});
  EXPECT_TRUE(conversation_.is_leading());
  add_user("q");
  EXPECT_FALSE(conversation_.is_leading());
  conversation_.add_system(2, {&late, 1});
  EXPECT_EQ(json_of(system_), R"({"type":"text","text":"early"})");
  EXPECT_EQ(roles(), "us");
}

TEST_F(ConversationBuilderTest, treats_system_messages_behind_an_empty_message_as_late) {
  const Block late = text("late");
  conversation_.add_user(0, {});
  conversation_.add_system(1, {&late, 1});
  EXPECT_TRUE(system_.empty());
  EXPECT_EQ(roles(), "s");
}

TEST_F(ConversationBuilderTest, adds_a_repeated_call_of_a_turn_once) {
  add_calls({call("c", "f", R"({"a":1,"b":2})"), call("c", "f", R"({"b": 2,"a": 1})"),
             call("c", "g", R"({"a":1,"b":2})")});
  EXPECT_EQ(json_of(turns_.all().back().blocks),
            R"({"type":"tool_use","id":"c","name":"f","input":{"a":1,"b":2}})"
            R"({"type":"tool_use","id":"c_2","name":"g","input":{"a":1,"b":2}})");
  EXPECT_EQ(conversation_.called_tools(), (std::vector<std::string_view>{"f", "g"}));
}

TEST_F(ConversationBuilderTest, knows_a_call_with_the_name_upstream_again) {
  HistoryCall stored = call("c", "a_b", "{}");
  stored.has_upstream_name = true;
  add_calls({call("c", "a.b", "{}"), stored});
  EXPECT_EQ(turns_.all().back().blocks.size(), 1U);
}

TEST_F(ConversationBuilderTest, adds_the_same_call_again_in_a_later_turn) {
  add_calls({call("c", "f", "{}")});
  add_user("again");
  add_calls({call("c", "f", "{}")});
  EXPECT_EQ(json_of(turns_.all().back().blocks),
            R"({"type":"tool_use","id":"c_2","name":"f","input":{}})");
}

TEST_F(ConversationBuilderTest, gives_results_to_the_calls_of_one_id_in_order) {
  add_calls({call("c", "f", "{}"), call("c", "g", "{}")});
  EXPECT_EQ(conversation_.take_result_id("c"), "c");
  EXPECT_EQ(conversation_.take_result_id("c"), "c_2");
  EXPECT_EQ(conversation_.take_result_id("c"), "c_2");
  EXPECT_EQ(conversation_.take_result_id("unknown"), "unknown");
  EXPECT_EQ(conversation_.take_result_id(""), "(none)");
}

TEST_F(ConversationBuilderTest, makes_ids_for_calls_without_one) {
  HistoryCall second = call("", "f", "{}");
  second.position = 1;
  add_calls({call("", "f", "{}"), second});
  EXPECT_EQ(turns_.all().back().blocks[0].id, "call_1_0");
  EXPECT_EQ(turns_.all().back().blocks[1].id, "call_1_1");
}

TEST_F(ConversationBuilderTest, reads_a_text_and_parts_as_content) {
  json::Outline outline;
  ASSERT_TRUE(outline.read(R"({"text":"a","parts":["b",{"type":"text","text":"c"}],"blank":" "})"));
  std::vector<Block> blocks;
  for (const char* member : {"text", "parts", "blank", "none"})
    conversation_.read_content(outline.root()[member], {3}, false, blocks);
  EXPECT_EQ(json_of(blocks),
            R"({"type":"text","text":"a"}{"type":"text","text":"b"}{"type":"text","text":"c"})");
  EXPECT_FALSE(report_.refused());
}

TEST_F(ConversationBuilderTest, refuses_content_and_parts_by_their_place) {
  const struct {
    const char *content, *param;
  } rows[] = {
      {"1", "messages[3].content"},
      {R"(["a",1,2])", "messages[3].content[1]"},
      {R"([{"type":"image_url","image_url":"https://x"}])", "messages[3].content[0].image_url"}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.content);
    ReplyPlan plan;
    Report report(plan, false);
    ConversationBuilder conversation({context_, report, arena_, tools_, betas_, system_, turns_});
    json::Outline outline;
    ASSERT_TRUE(outline.read(row.content));
    std::vector<Block> blocks;
    conversation.read_content(outline.root(), {3}, false, blocks);
    ASSERT_TRUE(report.refused());
    EXPECT_EQ(report.take_error().value().param, row.param);
  }
}

TEST_F(ConversationBuilderTest, leaves_a_result_that_is_one_text_a_text) {
  json::Outline outline;
  ASSERT_TRUE(outline.read(R"(["one",["a","b"]])"));
  std::string json;
  for (const Value content : outline.root().children()) {
    Block result{.kind = Block::Kind::kToolResult, .id = "c"};
    conversation_.read_result(content, {0}, result,
                              [this](Value part, const ParamPath& path, std::vector<Block>& out) {
                                conversation_.read_part(part, path, true, out);
                              });
    append_block(json, result);
  }
  EXPECT_EQ(json, R"({"type":"tool_result","tool_use_id":"c","content":"one"})"
                  R"({"type":"tool_result","tool_use_id":"c","content":[)"
                  R"({"type":"text","text":"a"},{"type":"text","text":"b"}]})");
}

}  // namespace
}  // namespace ccproxy::dialect
