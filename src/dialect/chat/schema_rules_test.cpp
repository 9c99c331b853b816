// The schemas of the tools and of the reply in a chat request (rules A.4.4, A.7).
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "dialect/testing/chat_members.hpp"

namespace ccproxy::dialect {
namespace {

using json::Document;
using test::decoded_with;

TEST(ChatSchemas, enforce_twenty_strict_tools_at_most) {
  const auto strict_tools = [](int count) {
    Document tools = Document::array();
    for (int i = 0; i < count; ++i)
      tools.push_back({{"name", "f" + std::to_string(i)},
                       {"strict", true},
                       {"input_schema",
                        {{"type", "object"},
                         {"properties", Document::object()},
                         {"additionalProperties", false}}}});
    const auto request = decoded_with(Document{{"tools", tools}}.dump().c_str());
    return Document::parse(request.value().body)["tools"].back().contains("strict");
  };
  EXPECT_TRUE(strict_tools(20));
  EXPECT_FALSE(strict_tools(21));
}

// The schema of a closed object with so many optional and so many nullable properties.
Document schema_of(int optional, int nullable) {
  Document schema = {{"type", "object"},
                     {"properties", Document::object()},
                     {"required", Document::array()},
                     {"additionalProperties", false}};
  for (int i = 0; i < optional; ++i)
    schema["properties"]["o" + std::to_string(i)] = {{"type", "string"}};
  for (int i = 0; i < nullable; ++i) {
    schema["properties"]["n" + std::to_string(i)] = {{"type", {"string", "null"}}};
    schema["required"].push_back("n" + std::to_string(i));
  }
  return schema;
}

Document strict_tool(const std::string& name, const Document& parameters) {
  return {{"type", "function"},
          {"function", {{"name", name}, {"strict", true}, {"parameters", parameters}}}};
}

Document format_of(const Document& schema) {
  return {{"type", "json_schema"}, {"json_schema", {{"name", "s"}, {"schema", schema}}}};
}

// The names of the strict tools, and "format" when the schema of the reply is enforced.
std::string enforced(const Document& body) {
  std::string names;
  for (const Document& tool : body.value("tools", Document::array()))
    if (tool.contains("strict")) names += tool["name"].get<std::string>() + " ";
  return names + (body.contains("output_config") ? "format" : "");
}

TEST(ChatSchemas, are_dropped_where_they_cost_too_much_together) {
  struct Case {
    const char* name;
    std::vector<Document> tools;
    Document format;
    const char* enforced;
    std::vector<std::string> warnings{};
  };
  const Document tool = schema_of(10, 0), unions = schema_of(0, 6);
  const Case cases[] = {
      {"sixteen unions fit", {}, schema_of(0, 16), "format"},
      {"seventeen do not: the schema becomes text", {}, schema_of(0, 17), "", {"schema_as_text"}},
      {"24 optional properties of all tools fit", {tool, tool, schema_of(4, 0)}, {}, "t0 t1 t2 "},
      {"of more the last tool yields", {tool, tool, schema_of(5, 0)}, {}, "t0 t1 "},
      {"tools yield to the schema of the reply", {tool, tool}, schema_of(5, 0), "t0 format"},
      {"unions are summed up, too", {unions, unions}, schema_of(0, 10), "t0 format"},
      {"until it fits, the last first, whatever it costs",
       {tool, tool, schema_of(0, 0), schema_of(5, 0)},
       {},
       "t0 t1 t2 "},
      {"all of them, if need be", {tool, unions}, schema_of(24, 16), "format"},
      {"a tool that can never fit takes nothing from others", {schema_of(25, 0), tool}, {}, "t1 "},
      {"nor does a format", {tool}, schema_of(25, 0), "t0 ", {"schema_as_text"}}};
  for (const Case& each : cases) {
    Document members = Document::object();
    for (const Document& schema : each.tools)
      members["tools"].push_back(
          strict_tool("t" + std::to_string(members["tools"].size()), schema));
    if (!each.format.is_null()) members["response_format"] = format_of(each.format);
    const auto request = decoded_with(members.dump().c_str());
    ASSERT_TRUE(request) << each.name;
    EXPECT_EQ(enforced(Document::parse(request->body)), each.enforced) << each.name;
    EXPECT_EQ(request->plan.warnings, each.warnings) << each.name;
  }
}

TEST(ChatSchemas, show_whether_the_reply_is_json) {
  const auto wants_json = [](const char* format) {
    return decoded_with((R"({"response_format":)" + std::string(format) + "}").c_str())
        .value()
        .plan.wants_json;
  };
  EXPECT_TRUE(wants_json(R"({"type":"json_object"})"));
  EXPECT_TRUE(wants_json(R"({"type":"json_schema","json_schema":{"schema":{"type":"object"}}})"));
  EXPECT_FALSE(wants_json(R"({"type":"text"})"));
  EXPECT_FALSE(wants_json("null"));
}

TEST(ChatSchemas, are_not_sent_again_where_the_provider_could_not_compile_them) {
  const Document first = strict_tool("a", schema_of(1, 0)),
                 second = strict_tool("b", schema_of(2, 0));
  const Document format = format_of(schema_of(3, 0));
  const auto request = [](const Document& tools, const Document& schema,
                          std::span<const std::string> refused) {
    return decoded_with(Document{{"tools", tools}, {"response_format", schema}}.dump().c_str(),
                        refused)
        .value();
  };
  const std::vector<std::string> refused = {
      request(Document::array({first, second}), format, {}).schemas};
  EXPECT_NE(refused[0], "");

  const Decoded again = request(Document::array({second, first}), format, refused);
  EXPECT_EQ(enforced(Document::parse(again.body)), "") << "the same schemas in another order";
  EXPECT_EQ(again.plan.warnings, std::vector<std::string>{"schema_as_text"});
  EXPECT_TRUE(again.plan.strips_fence);
  EXPECT_TRUE(again.plan.wants_json);
  EXPECT_EQ(again.schemas, "");

  EXPECT_EQ(enforced(Document::parse(request(Document::array({first}), format, refused).body)),
            "a format");
  EXPECT_EQ(enforced(Document::parse(
                request(Document::array({first, second}), {{"type", "text"}}, refused).body)),
            "a b ");
  EXPECT_EQ(decoded_with("{}").value().schemas, "") << "nothing is to be enforced";
}

}  // namespace
}  // namespace ccproxy::dialect
