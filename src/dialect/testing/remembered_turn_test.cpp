// How a remembered turn is recognised in the history that a client sends, and what then goes
// upstream (rule A.3.4). Each row has the turns that followed the question, how the client sends
// them back, and some values of the upstream request.
#include "dialect/request/remembered_turn.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "anthropic/models_data.hpp"
#include "dialect/chat/request.hpp"
#include "dialect/responses/request.hpp"
#include "dialect/testing/cases.hpp"
#include "dialect/testing/turn_memory.hpp"

namespace ccproxy::dialect {
namespace {

using json::Document;

class Client {
 public:
  explicit Client(bool speaks_responses) : speaks_responses_(speaks_responses) {}

  // Decodes a request with this conversation, elements of a JSON array.
  [[nodiscard]] Result<Decoded> decode(const std::string& conversation,
                                       bool is_strict = false) const {
    const std::string request =
        std::string(R"({"model":"claude-sonnet-5","tools":[)") +
        R"({"name":"f","input_schema":{}},{"name":"g","input_schema":{}}],)" +
        (speaks_responses_ ? R"("input":[)" : R"("messages":[)") + conversation + "]}";
    json::Outline outline;
    if (auto read = outline.read(request); !read) return fail(read.error());
    const auto model = requested_model(outline, "claude-sonnet-5");
    if (!model) return fail(model.error());
    const anthropic::Capabilities can =
        anthropic::capabilities_of(*test::known_models().family_of(model->name));
    const TranslationOptions options;
    const RequestContext context{.requested = *model,
                                 .model = model->name,
                                 .can = can,
                                 .options = options,
                                 .strict = is_strict,
                                 .memory = &memory_};
    return speaks_responses_ ? decode_responses(outline, context) : decode_chat(outline, context);
  }

  // The model answers the conversation so far with these blocks.
  void remember(const std::string& conversation, const std::string& blocks) {
    memory_.remember(
        anthropic::turn_with_calls(blocks, decode(conversation).value().question).value());
  }

 private:
  bool speaks_responses_;
  test::TurnsInMemory memory_;
};

const char* const kQuestion = R"({"role":"user","content":"q"},)";

const char* const kThought = R"({"type":"thinking","thinking":"t","signature":"S"},)";
const char* const kOther = R"({"type":"thinking","thinking":"t","signature":"S2"},)";

std::string text(const char* words) {
  return std::string(R"({"type":"text","text":")") + words + "\"},";
}

std::string use(const char* id, const char* name = "f") {
  return std::string(R"({"type":"tool_use","id":")") + id + R"(","name":")" + name +
         R"(","input":{"a":1}})";
}

const std::string kLooked = kThought + text("\\n\\nLet me look.\\n") + use("toolu_1");
const std::string kParallel = kThought + use("toolu_1") + "," + kOther + use("toolu_2", "g");

struct Row {
  const char* name;
  std::vector<std::string> remembered;  // the blocks of each turn
  std::string history;                  // how the client sends the turn back
  const char* expected;  // values of the upstream request by their JSON pointers; null: absent
  std::vector<std::string> warnings{};
};

void expect_upstream_request(bool speaks_responses, const Row& row) {
  SCOPED_TRACE(row.name);
  Client client(speaks_responses);
  const std::string question(kQuestion, std::string_view(kQuestion).size() - 1);
  for (const std::string& blocks : row.remembered) client.remember(question, blocks);
  const auto request = client.decode(kQuestion + row.history);
  ASSERT_TRUE(request) << request.error().param << ": " << request.error().message;
  const Document body = Document::parse(request->body);
  const Document expected = Document::parse(row.expected);
  for (const auto& [at, value] : expected.items()) {
    const Document::json_pointer place(at);
    EXPECT_EQ(body.contains(place) ? body.at(place) : Document(), value) << at << '\n' << body;
  }
  EXPECT_EQ(request->plan.warnings, row.warnings) << body;
}

// A call in the history of a chat client.
std::string call(const char* id, const char* name = "f", const char* input = R"({\"a\":1})") {
  return std::string(R"({"id":")") + id + R"(","type":"function","function":{"name":")" + name +
         R"(","arguments":")" + input + "\"}}";
}

std::string message(const char* content, const std::string& calls, const std::string& more = "") {
  return std::string(R"({"role":"assistant","content":)") + content + R"(,"tool_calls":[)" + calls +
         "]" + more + "}";
}

std::string result(const char* id) {
  return std::string(R"(,{"role":"tool","tool_call_id":")") + id + R"(","content":"r"})";
}

const char* const kWhole =
    R"({"/messages/1/content/0/signature":"S","/messages/1/content/1/text":"\n\nLet me look.\n",
        "/messages/1/content/2/id":"toolu_1","/messages/1/content/3":null,
        "/messages/2/content/0/tool_use_id":"toolu_1","/messages/2/content/1":null})";
const char* const kLost =
    R"({"/messages/1/content/0/type":"tool_use","/messages/1/content/1":null})";

TEST(RememberedTurns, of_chat_are_recognised_when_the_client_has_changed_their_text) {
  const std::string one = call("toolu_1");
  const auto come_back = [&](const char* content) {
    return message(content, one) + result("toolu_1");
  };
  const Row rows[] = {
      {"as it was", {kLooked}, come_back(R"("\n\nLet me look.\n")"), kWhole},
      {"dropped", {kLooked}, come_back("null"), kWhole},
      {"trimmed", {kLooked}, come_back(R"("Let me look.")"), kWhole},
      {"with the line ends of another system",
       {kLooked},
       come_back(R"("\r\n\r\nLet me look.\r\n")"),
       kWhole},
      {"after its thinking",
       {kLooked},
       come_back(R"("<think>\nhm <b>\n</think>\n\nLet me look.")"),
       kWhole},
      {"after its thinking, escaped",
       {kLooked},
       come_back(R"("\u003cthinking\u003ehm\u003c/thinking\u003eLet me look.")"),
       kWhole},
      {"after blank thinking", {kLooked}, come_back(R"("<think>\n\n</think>")"), kWhole},
      {"with thinking in the middle",
       {kLooked},
       come_back(R"("Let me <reasoning>hm</reasoning> look.")"),
       kWhole},
      {"in two parts",
       {kLooked},
       come_back(R"([{"type":"text","text":"Let me "},{"type":"text","text":"look."}])"),
       kWhole},
      {"a different text is a different turn",
       {kLooked},
       come_back(R"("Let me look again.")"),
       R"({"/messages/1/content/0/text":"Let me look again.","/messages/1/content/1/id":"toolu_1",
           "/messages/1/content/2":null})",
       {"thinking_dropped"}},
      {"blank, and gone",
       {kThought + text("\\n\\n") + use("toolu_1")},
       come_back("null"),
       R"({"/messages/1/content/0/signature":"S","/messages/1/content/1/type":"tool_use"})"},
      {"with a cache breakpoint, which then ends the turn",
       {kLooked},
       come_back(R"([{"type":"text","text":"Let me look.","cache_control":{"type":"ephemeral"}}])"),
       R"({"/messages/1/content/0/signature":"S",
           "/messages/1/content/2/cache_control":{"type":"ephemeral"}})"},
      {"about tags, as the model wrote it",
       {kThought + text("Use <think>x</think> here.") + use("toolu_1")},
       come_back(R"("Use <think>x</think> here.")"),
       R"({"/messages/1/content/0/signature":"S",
           "/messages/1/content/1/text":"Use <think>x</think> here."})"},
      {"after another assistant message",
       {kLooked},
       R"({"role":"assistant","content":"Hello."},)" + come_back("null"),
       R"({"/messages/1/content/0/text":"Hello.","/messages/1/content/1/signature":"S"})"},
  };
  for (const Row& row : rows) expect_upstream_request(false, row);
}

TEST(RememberedTurns, of_chat_are_recognised_by_any_call_id_or_by_all_their_calls) {
  const std::string anew = message("null", call("call_9")) + result("call_9");
  const std::string both = kThought + text("One.") + use("toolu_3");
  const Row rows[] = {
      {"ids that were renamed agree with the results", {kLooked}, anew, kWhole},
      {"ids that another call has taken stay the client's",
       {kLooked},
       anew + R"(,{"role":"user","content":"and?"},)" + message("null", call("toolu_1", "g")) +
           result("toolu_1"),
       R"({"/messages/1/content/0/signature":"S","/messages/1/content/2/id":"call_9",
           "/messages/2/content/0/tool_use_id":"call_9"})",
       {"thinking_dropped"}},
      {"of two turns with the same calls none is taken",
       {kLooked, kOther + use("toolu_2")},
       anew,
       kLost,
       {"thinking_dropped"}},
      {"of two turns with the same calls the text decides",
       {kLooked, both},
       message(R"("One.")", call("call_9")) + result("call_9"),
       R"({"/messages/1/content/1/text":"One.","/messages/1/content/2/id":"toolu_3",
           "/messages/2/content/0/tool_use_id":"toolu_3"})"},
      {"a turn with the same calls and no thinking may be meant",
       {kLooked, use("toolu_2")},
       anew,
       kLost,
       {"thinking_dropped"}},
      {"a turn without thinking has lost nothing", {use("toolu_2")}, anew, kLost},
      {"a turn after another question is another turn",
       {kLooked},
       R"({"role":"assistant","content":"a"},{"role":"user","content":"p"},)" + anew,
       R"({"/messages/3/content/0/id":"call_9"})"},
      {"other calls are another turn",
       {kLooked},
       message("null", call("call_9", "f", R"({\"a\":2})")) + result("call_9"),
       kLost},
      {"arguments that were edited",
       {kLooked},
       message("null", call("toolu_1", "f", R"({\"a\":2})")) + result("toolu_1"),
       kLost,
       {"thinking_dropped"}},
      {"the second call's id is enough",
       {kParallel},
       message("null", call("call_9") + "," + call("toolu_2", "g")) + result("call_9") +
           result("toolu_2"),
       R"({"/messages/1/content/0/signature":"S","/messages/1/content/1/id":"toolu_1",
           "/messages/1/content/2/signature":"S2","/messages/1/content/3/id":"toolu_2",
           "/messages/2/content/0/tool_use_id":"toolu_1"})"},
      {"a turn whose first call is gone",
       {kParallel},
       message("null", call("toolu_2", "g")) + result("toolu_2"),
       kLost,
       {"thinking_dropped"}},
      {"calls that came back one by one",
       {kParallel},
       message("null", call("toolu_1")) + result("toolu_1") + "," +
           message("null", call("toolu_2", "g")) + result("toolu_2") +
           R"(,{"role":"user","content":"and?"})",
       R"({"/messages/1/content/0/signature":"S","/messages/1/content/2/signature":"S2",
           "/messages/1/content/3/id":"toolu_2","/messages/2/content/1/tool_use_id":"toolu_2",
           "/messages/2/content/2/text":"and?","/messages/3":null})"},
      {"calls that came back in two messages",
       {kParallel},
       message("null", call("toolu_1")) + "," + message("null", call("toolu_2", "g")) +
           result("toolu_1") + result("toolu_2"),
       R"({"/messages/1/content/0/signature":"S","/messages/1/content/2/signature":"S2"})"},
      {"the legacy form has no ids",
       {kLooked},
       R"({"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}},
          {"role":"function","name":"f","content":"r"})",
       kWhole},
  };
  for (const Row& row : rows) expect_upstream_request(false, row);
}

TEST(RememberedTurns, of_chat_get_the_thinking_that_the_client_sends) {
  const char* const kOne =
      R"(,"thinking_blocks":[{"type":"thinking","thinking":"c","signature":"C"}])";
  const char* const kTwo =
      R"(,"thinking_blocks":[{"type":"thinking","thinking":"c","signature":"C1"},
                             {"type":"redacted_thinking","data":"C2"}])";
  const char* const kDetails =
      R"(,"reasoning_details":[{"type":"reasoning.text","text":"c","signature":"C1"},
                               {"type":"reasoning.encrypted","data":"C2"}])";
  const std::string one = call("toolu_1"), two = one + "," + call("toolu_2", "g");
  const std::string results = result("toolu_1") + result("toolu_2");
  const char* const kPlaced =
      R"({"/messages/1/content/0/signature":"C1","/messages/1/content/1/id":"toolu_1",
          "/messages/1/content/2/data":"C2","/messages/1/content/3/id":"toolu_2"})";
  const Row rows[] = {
      {"where the turn had it", {kParallel}, message("null", two, kTwo) + results, kPlaced},
      {"in the other form, too", {kParallel}, message("null", two, kDetails) + results, kPlaced},
      {"after the text that it followed",
       {text("One.") + kThought + use("toolu_1")},
       message(R"("One.")", one, kOne) + result("toolu_1"),
       R"({"/messages/1/content/0/text":"One.","/messages/1/content/1/signature":"C"})"},
      {"first, when nothing is remembered",
       {},
       message(R"("One.")", two, kOne) + results,
       R"({"/messages/1/content/0/signature":"C","/messages/1/content/1/text":"One."})"},
      {"several before one call stand first",
       {},
       message("null", one, kTwo) + result("toolu_1"),
       R"({"/messages/1/content/0/signature":"C1","/messages/1/content/1/data":"C2"})"},
      {"several before no call stand first",
       {},
       message(R"("One.")", "", kTwo) + R"(,{"role":"user","content":"and?"})",
       R"({"/messages/1/content/0/signature":"C1","/messages/1/content/1/data":"C2"})"},
      {"several among several calls are left out",
       {},
       message("null", two, kTwo) + results,
       R"({"/messages/1/content/0/id":"toolu_1","/messages/1/content/2":null})",
       {"thinking_dropped"}},
      {"a turn that was edited keeps what the client brings",
       {kLooked},
       message(R"("Other.")", one, kOne) + result("toolu_1"),
       R"({"/messages/1/content/0/signature":"C","/messages/1/content/1/text":"Other."})"},
      {"among parts that are calls it has its place",
       {},
       R"({"role":"assistant","content":[
           {"type":"thinking","thinking":"c","signature":"C1"},
           {"type":"tool_use","id":"toolu_1","name":"f","input":{}},
           {"type":"thinking","thinking":"c","signature":"C2"},
           {"type":"tool_use","id":"toolu_2","name":"g","input":{}}]})" +
           results,
       R"({"/messages/1/content/0/signature":"C1","/messages/1/content/2/signature":"C2"})"},
  };
  for (const Row& row : rows) expect_upstream_request(false, row);
}

std::string item(const char* call_id, const char* name = "f") {
  return std::string(R"({"type":"function_call","call_id":")") + call_id + R"(","name":")" + name +
         R"(","arguments":"{\"a\":1}"})";
}

std::string output(const char* call_id) {
  return std::string(R"({"type":"function_call_output","call_id":")") + call_id +
         R"(","output":"r"})";
}

TEST(RememberedTurns, of_responses_are_recognised_in_the_same_ways) {
  const std::string anew = item("call_9") + "," + output("call_9");
  const Row rows[] = {
      {"without its text", {kLooked}, item("toolu_1") + "," + output("toolu_1"), kWhole},
      {"after blank thinking",
       {kLooked},
       R"({"role":"assistant","content":[{"type":"output_text","text":"<think>\n\n</think>"}]},)" +
           item("toolu_1") + "," + output("toolu_1"),
       kWhole},
      {"ids that were renamed agree with the results", {kLooked}, anew, kWhole},
      {"of two turns with the same calls none is taken",
       {kLooked, kOther + use("toolu_2")},
       anew,
       kLost,
       {"thinking_dropped"}},
      {"another text is another turn",
       {kLooked},
       R"({"role":"assistant","content":"No."},)" + item("toolu_1") + "," + output("toolu_1"),
       R"({"/messages/1/content/0/text":"No.","/messages/1/content/2":null})",
       {"thinking_dropped"}},
      {"call, result, call, result",
       {kParallel},
       item("toolu_1") + "," + output("toolu_1") + "," + item("toolu_2", "g") + "," +
           output("toolu_2"),
       R"({"/messages/1/content/0/signature":"S","/messages/1/content/2/signature":"S2",
           "/messages/2/content/0/tool_use_id":"toolu_1",
           "/messages/2/content/1/tool_use_id":"toolu_2","/messages/3":null})"},
  };
  for (const Row& row : rows) expect_upstream_request(true, row);
}

TEST(RememberedTurns, are_recognised_by_the_results_before_them) {
  for (const bool speaks_responses : {false, true}) {
    SCOPED_TRACE(speaks_responses ? "Responses" : "chat");
    Client client(speaks_responses);
    const auto turn = [&](const char* id, const char* output) {
      return speaks_responses ? item(id) + R"(,{"type":"function_call_output","call_id":")" + id +
                                    R"(","output":")" + output + "\"}"
                              : message("null", call(id)) + R"(,{"role":"tool","tool_call_id":")" +
                                    id + R"(","content":")" + output + "\"}";
    };
    client.remember(kQuestion + turn("toolu_1", "one"), kThought + use("toolu_2"));
    const auto sent_after = [&](const char* output) {
      return Document::parse(
          client.decode(kQuestion + turn("a", output) + "," + turn("b", "r")).value().body);
    };
    EXPECT_EQ(sent_after("one")["messages"][3]["content"][0]["type"], "thinking");
    EXPECT_EQ(sent_after("two")["messages"][3]["content"][0]["type"], "tool_use");
  }
}

TEST(RememberedTurns, that_are_not_recognised_are_refused_when_strict) {
  const std::string question(kQuestion, std::string_view(kQuestion).size() - 1);
  const std::string chat = message(R"("No.")", call("toolu_1")) + result("toolu_1");
  const std::string responses =
      R"({"role":"assistant","content":"No."},)" + item("toolu_1") + "," + output("toolu_1");
  for (const bool speaks_responses : {false, true}) {
    Client client(speaks_responses);
    client.remember(question, kLooked);
    const auto request = client.decode(kQuestion + (speaks_responses ? responses : chat), true);
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().param, speaks_responses ? "input[1]" : "messages[1]");
  }
}

struct Wrapped {
  const char* name;
  const char* question;  // of the user
  const char* content;   // of the assistant's message in the history; JSON
  const char* expected;  // the text that goes upstream; nullptr: no message does
};

const Wrapped kWrapped[] = {
    {"thinking before a text is removed", "q", R"("<think>\nhm\n</think>\n\nYes.")", "Yes."},
    {"every name of the tag is known", "q",
     R"("<thinking>a</thinking><reasoning>b</reasoning> Yes.")", "Yes."},
    {"empty thinking leaves no text", "q", R"("<think></think>")", nullptr},
    {"a tag that is not closed is text", "q", R"("<think> is a tag")", "<think> is a tag"},
    {"a tag in the middle is text", "q", R"("Use <think>x</think>.")", "Use <think>x</think>."},
    {"a tag that the user has named stays, since the model wrote it", "Think in <thinking> tags.",
     R"("<thinking>hm</thinking>Yes.")", "<thinking>hm</thinking>Yes."},
    {"a blank one is removed, though the user has named it", "Think in <thinking> tags.",
     R"("<thinking> </thinking>Yes.")", "Yes."},
};

TEST(WrappedThinking, is_removed_where_the_client_has_added_it) {
  for (const bool speaks_responses : {false, true}) {
    for (const Wrapped& row : kWrapped) {
      SCOPED_TRACE(row.name);
      const auto request = Client(speaks_responses)
                               .decode(std::string(R"({"role":"user","content":")") + row.question +
                                       R"("},{"role":"assistant","content":)" + row.content +
                                       R"(},{"role":"user","content":"and?"})");
      const Document messages = Document::parse(request.value().body)["messages"];
      if (row.expected == nullptr) {
        ASSERT_EQ(messages.size(), 1U);
        EXPECT_EQ(messages[0]["content"].size(), 2U);
      } else {
        EXPECT_EQ(messages[1]["content"], (Document{{{"type", "text"}, {"text", row.expected}}}));
      }
    }
  }
}

}  // namespace
}  // namespace ccproxy::dialect
