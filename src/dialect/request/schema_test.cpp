#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "dialect/request/output_schema.hpp"
#include "dialect/request/tool_schema.hpp"
#include "json/document.hpp"

namespace ccproxy::dialect {
namespace {

using json::Document;

class ToolSchema : public testing::Test {
 protected:
  // The schema of a tool with these parameters; "" when they are refused.
  std::string schema(const std::string& parameters) {
    text_ = R"({"parameters":)" + parameters + "}";
    EXPECT_TRUE(outline_.read(text_)) << text_;
    return std::string(tool_schema(outline_.root()["parameters"], arena_).value_or(""));
  }

  std::string text_;
  json::Outline outline_;
  RequestArena arena_;
};

TEST_F(ToolSchema, keeps_a_valid_schema_byte_for_byte) {
  const std::string valid =
      R"({ "$schema":"x", "type":"object","properties":{"a":{"anyOf":[true,{"type":"number","maximum":1.0}]}} ,"title":"T"})";
  EXPECT_EQ(schema(valid), valid);
}

TEST_F(ToolSchema, is_an_empty_object_without_parameters) {
  for (const char* none : {"null", "{}"})
    EXPECT_EQ(schema(none), R"({"type":"object","properties":{}})");
}

TEST_F(ToolSchema, is_an_object_at_the_root) {
  EXPECT_EQ(schema(R"({"properties":{"a":{}},"required":["a"]})"),
            R"({"type":"object","properties":{"a":{}},"required":["a"]})");
  EXPECT_EQ(schema(R"({"type":["object","null"],"properties":null})"),
            R"({"type":"object","properties":{}})");
  EXPECT_EQ(schema("[]"), "");
  EXPECT_EQ(schema("\"x\""), "");
}

TEST_F(ToolSchema, merges_branches_and_requires_what_all_of_them_require) {
  EXPECT_EQ(
      schema(
          R"({"anyOf":[{"type":"object","properties":{"a":{"type":"string"},"b":{}},"required":["a","b"]},)"
          R"({"properties":{"b":{},"c":{}},"required":["b"]},{"type":"null"}],"title":"T"})"),
      R"({"type":"object","title":"T","properties":{"a":{"type":"string"},"b":{},"c":{}},"required":["b"]})");
}

TEST_F(ToolSchema, requires_all_that_the_parts_of_an_all_of_require) {
  EXPECT_EQ(
      schema(R"({"type":"object","properties":{"z":{}},"allOf":[{"$ref":"#/$defs/A"},)"
             R"({"properties":{"b":{"x":2}},"required":["b"]}],)"
             R"("$defs":{"A":{"type":"object","properties":{"b":{"x":1}},"required":["z"]}}})"),
      R"({"type":"object","$defs":{"A":{"type":"object","properties":{"b":{"x":1}},"required":["z"]}},)"
      R"("properties":{"z":{},"b":{"allOf":[{"x":1},{"x":2}]}},"required":["z","b"]})");
}

TEST_F(ToolSchema, merges_nested_branches) {
  struct Row {
    const char* name;
    const char* parameters;
    const char* expected;  // without the type
  };
  const Row rows[] = {
      {"unions in unions",
       R"({"anyOf":[{"anyOf":[{"type":"object","properties":{"x":{"type":"string"}}},{"type":"object","properties":{"y":{"type":"string"}}}]},{"type":"object","properties":{"z":{"type":"string"}}}]})",
       R"("properties":{"x":{"type":"string"},"y":{"type":"string"},"z":{"type":"string"}})"},
      {"a reference to a reference",
       R"({"anyOf":[{"$ref":"#/$defs/A"}],"$defs":{"A":{"$ref":"#/$defs/B"},"B":{"properties":{"b":{}},"required":["b"]}}})",
       R"("$defs":{"A":{"$ref":"#/$defs/B"},"B":{"properties":{"b":{}},"required":["b"]}},"properties":{"b":{}},"required":["b"])"},
      {"a reference as the whole schema",
       R"({"$ref":"#/definitions/A","definitions":{"A":{"type":"object","properties":{"a":{}}}}})",
       R"("definitions":{"A":{"type":"object","properties":{"a":{}}}},"properties":{"a":{}})"},
      {"a reference to another place stays one", R"({"$ref":"https://example.com/a"})",
       R"("$ref":"https://example.com/a","properties":{})"},
      {"names in references are escaped",
       R"({"allOf":[{"$ref":"#/$defs/a~1b"},{"$ref":"#/$defs/c~0d"},{"$ref":"#/$defs/e%20f+"},{"$ref":"#/$defs/%7E1"}],)"
       R"("$defs":{"a/b":{"required":["1"]},"c~d":{"required":["2"]},"e f+":{"required":["3"]},"/":{"required":["4"]}}})",
       R"("$defs":{"a/b":{"required":["1"]},"c~d":{"required":["2"]},"e f+":{"required":["3"]},"/":{"required":["4"]}},"properties":{},"required":["1","2","3","4"])"},
      {"and lead through lists and other keywords",
       R"({"oneOf":[{"properties":{"a":{}}},{"$ref":"#/oneOf/0"},{"$ref":"#/x/y"}],"x":{"y":{"properties":{"b":{}}}}})",
       R"("x":{"y":{"properties":{"b":{}}}},"properties":{"a":{},"b":{}})"},
      {"a reference and what stands beside it",
       R"({"anyOf":[{"$ref":"#/$defs/A","properties":{"c":{}},"required":["c"]}],"$defs":{"A":{"required":["a"]}}})",
       R"("$defs":{"A":{"required":["a"]}},"properties":{"c":{}},"required":["a","c"])"},
      {"all of one of each",
       R"({"allOf":[{"oneOf":[{"properties":{"a":{"const":1},"b":{}},"required":["a","b"]},{"properties":{"a":{"const":2},"c":{}},"required":["a"]}]},{"properties":{"d":{}},"required":["d"]}]})",
       R"("properties":{"a":{"anyOf":[{"const":1},{"const":2}]},"b":{},"c":{},"d":{}},"required":["a","d"])"},
      {"a schema of several types that may be an object",
       R"({"anyOf":[{"type":["object","null"],"properties":{"a":{}},"required":["a"]},{"type":["string","null"]},{"const":null},{"enum":["a"]},false]})",
       R"("properties":{"a":{}},"required":["a"])"},
      {"conditions",
       R"({"allOf":[{"if":{"properties":{"k":{"const":1}}},"then":{"properties":{"a":{}},"required":["k","a"]},"else":{"properties":{"b":{}},"required":["k","b"]}}]})",
       R"("properties":{"a":{},"b":{}},"required":["k"])"},
      {"a condition without an else demands nothing",
       R"({"allOf":[{"if":{},"then":{"properties":{"a":{}},"required":["a"]}}]})",
       R"("properties":{"a":{}})"},
      {"schemas that depend on a property",
       R"({"anyOf":[{"properties":{"a":{}},"dependentSchemas":{"a":{"properties":{"b":{}},"required":["b"]}}}]})",
       R"("properties":{"a":{},"b":{}})"},
      {"a branch that cannot be read demands nothing",
       R"({"anyOf":[{"properties":{"a":{}},"required":["a"]},{"$ref":"other.json#/A"}]})",
       R"("properties":{"a":{}})"},
      {"nor does a name that is not there",
       R"({"anyOf":[{"properties":{"a":{}},"required":["a"]},{"$ref":"#/$defs/none"}]})",
       R"("properties":{"a":{}})"},
      {"nor one that anything fits", R"({"anyOf":[{"properties":{"a":{}},"required":["a"]},true]})",
       R"("properties":{"a":{}})"},
      {"nor one that is the whole again",
       R"({"anyOf":[{"properties":{"a":{}},"required":["a"]},{"$ref":"#"}]})",
       R"("properties":{"a":{}})"},
      {"branches that only say what is required",
       R"({"properties":{"a":{},"b":{}},"anyOf":[{"required":["a"]},{"required":["b"]}]})",
       R"("properties":{"a":{},"b":{}})"},
      {"a property that is in all and in any of the branches fits any",
       R"({"allOf":[{"properties":{"a":{"x":1}}},{"anyOf":[{"properties":{"a":{"x":2}}}]}]})",
       R"("properties":{"a":{"anyOf":[{"x":1},{"x":2}]}})"}};
  for (const Row& row : rows)
    EXPECT_EQ(schema(row.parameters), R"({"type":"object",)" + std::string(row.expected) + "}")
        << row.name;
}

TEST_F(ToolSchema, is_read_in_linear_time_or_refused) {
  std::string doubled = R"("d0":{"properties":{"a":{}},"required":["a"]})";
  for (int i = 1; i < 60; ++i) {
    const std::string before = "{\"$ref\":\"#/$defs/d" + std::to_string(i - 1) + "\"}";
    doubled += ",\"d" + std::to_string(i) + "\":{\"anyOf\":[" + before + "," + before + "]}";
  }
  const Document merged =
      Document::parse(schema(R"({"anyOf":[{"$ref":"#/$defs/d59"}],"$defs":{)" + doubled + "}}"));
  EXPECT_EQ(merged["properties"].dump(), R"({"a":{}})");
  EXPECT_EQ(merged["required"].dump(), R"(["a"])");

  std::string chain = R"("c0":{})";
  for (int i = 1; i < 5000; ++i)
    chain +=
        ",\"c" + std::to_string(i) + "\":{\"$ref\":\"#/$defs/c" + std::to_string(i - 1) + "\"}";
  EXPECT_EQ(schema(R"({"anyOf":[{"$ref":"#/$defs/c4999"}],"$defs":{)" + chain + "}}"), "")
      << "more references than are followed";

  std::string names = "\"n\"";
  for (int i = 0; i < 2000; ++i) names += ",\"n" + std::to_string(i) + "\"";
  std::string parts = R"({"$ref":"#/$defs/n"})";
  for (int i = 0; i < 200; ++i) parts += R"(,{"allOf":[{"$ref":"#/$defs/n"}]})";
  EXPECT_EQ(schema(R"({"allOf":[)" + parts + R"(],"$defs":{"n":{"required":[)" + names + "]}}}"),
            "")
      << "many times its own size";
}

TEST_F(ToolSchema, is_refused_with_hundreds_of_branches) {
  std::string branches = "{}";
  for (int i = 0; i < 300; ++i) branches += ",{}";
  EXPECT_EQ(schema(R"({"anyOf":[)" + branches + "]}"), "");
}

Document sanitized(std::string_view schema) {
  const auto result = output_schema(schema);
  return result ? Document::parse(result->json) : Document();
}

TEST(OutputSchema, keeps_a_valid_schema_byte_for_byte) {
  const char* valid =
      R"({"type":"object", "properties":{"a":{"type":"string","format":"date","default":1.0}},"required":["a"],"additionalProperties":false})";
  const auto result = output_schema(valid);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->changed);
  EXPECT_EQ(result->json, valid);
}

TEST(OutputSchema, describes_keywords_that_cannot_be_enforced) {
  const Document schema = sanitized(
      R"({"type":"object","properties":{"n":{"type":"integer","minimum":0,"description":"Age."},)"
      R"("e":{"oneOf":[{"type":"string","format":"color"},{"type":"null"}]},"l":{"type":"array","minItems":2,"items":{"type":"object","properties":{}}}},)"
      R"("required":["n","e","l"],"additionalProperties":true})");
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["description"], "(additionalProperties: true)");
  EXPECT_EQ(schema["properties"]["n"]["description"], "Age. (minimum: 0)");
  EXPECT_FALSE(schema["properties"]["n"].contains("minimum"));
  EXPECT_FALSE(schema["properties"]["e"].contains("oneOf"));
  EXPECT_EQ(schema["properties"]["e"]["anyOf"][0]["description"], "(format: \"color\")");
  EXPECT_EQ(schema["properties"]["l"]["description"], "(minItems: 2)");
  EXPECT_EQ(schema["properties"]["l"]["items"]["additionalProperties"], false);
}

TEST(OutputSchema, loses_every_keyword_that_upstream_refuses) {
  for (const char* keyword : {R"("minimum":0)",
                              R"("maximum":1)",
                              R"("exclusiveMinimum":0)",
                              R"("exclusiveMaximum":1)",
                              R"("multipleOf":2)",
                              R"("minLength":1)",
                              R"("maxLength":2)",
                              R"("pattern":"a")",
                              R"("minItems":2)",
                              R"("maxItems":3)",
                              R"("uniqueItems":true)",
                              R"("minProperties":1)",
                              R"("maxProperties":2)",
                              R"("patternProperties":{"a":{}})",
                              R"("propertyNames":{})",
                              R"("contains":{})",
                              R"("not":{})",
                              R"("if":{})",
                              R"("then":{})",
                              R"("else":{})",
                              R"("dependentRequired":{})",
                              R"("dependentSchemas":{})",
                              R"("format":"color")"}) {
    const std::string name = Document::parse("{" + std::string(keyword) + "}").begin().key();
    const Document schema = sanitized(R"({"type":"array",)" + std::string(keyword) + "}");
    EXPECT_FALSE(schema.contains(name)) << keyword;
    EXPECT_NE(schema["description"].get<std::string>().find(name), std::string::npos) << keyword;
  }
}

TEST(OutputSchema, keeps_keywords_that_upstream_takes) {
  for (const char* keyword :
       {R"("minItems":1)", R"("default":2)", R"("enum":[1,"a",null])", R"("const":1.0)",
        R"("title":"T")", R"("$schema":"s")", R"("format":"date-time")", R"("format":"time")",
        R"("format":"date")", R"("format":"duration")", R"("format":"email")",
        R"("format":"hostname")", R"("format":"uri")", R"("format":"ipv4")", R"("format":"ipv6")",
        R"("format":"uuid")"}) {
    const auto schema = output_schema(R"({"type":"array",)" + std::string(keyword) + "}");
    ASSERT_TRUE(schema) << keyword;
    EXPECT_FALSE(schema->changed) << keyword;
  }
}

TEST(OutputSchema, is_cleaned_wherever_a_schema_may_stand) {
  const std::string open = R"({"type":"object","properties":{"a":{}}})";
  for (const std::string around :
       {R"({"$defs":{"d":@}})", R"({"definitions":{"d":@}})", R"({"anyOf":[@]})",
        R"({"oneOf":[@]})", R"({"allOf":[@]})", R"({"prefixItems":[@]})", R"({"items":@})"}) {
    std::string schema = around;
    schema.replace(schema.find('@'), 1, open);
    EXPECT_NE(sanitized(schema).dump().find(R"("additionalProperties":false)"), std::string::npos)
        << around;
  }
}

TEST(OutputSchema, keeps_properties_that_are_named_like_keywords) {
  const Document schema = sanitized(
      R"({"type":"object","properties":{"pattern":{"type":"string"},"not":{"type":"string"}},"required":["pattern","not"],"additionalProperties":false})");
  EXPECT_TRUE(schema["properties"].contains("pattern"));
  EXPECT_TRUE(schema["properties"].contains("not"));
}

// A closed map, and upstream wants each object closed, could only be empty.
TEST(OutputSchema, cannot_be_sent_for_a_map) {
  for (const char* map :
       {R"({"type":"object","additionalProperties":{"type":"number"}})",
        R"({"type":"object","additionalProperties":true})", R"({"type":"object"})",
        R"({"type":["object","null"],"properties":{},"additionalProperties":{}})"}) {
    EXPECT_FALSE(output_schema(map)) << map;
    EXPECT_FALSE(output_schema(R"({"type":"array","items":)" + std::string(map) + "}")) << map;
  }
  EXPECT_TRUE(output_schema(R"({"type":"object","additionalProperties":false})"));
}

TEST(OutputSchema, cannot_be_sent_when_it_refers_to_itself) {
  EXPECT_FALSE(output_schema(
      R"({"$ref":"#/$defs/N","$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N"}}}}})"));
  EXPECT_FALSE(output_schema(R"({"type":"object","properties":{"self":{"$ref":"#"}}})"));
  for (const char* name :
       {"enum", "const", "definitions", "$defs"})  // they name properties here, not keywords
    EXPECT_FALSE(output_schema(R"({"type":"object","properties":{")" + std::string(name) +
                               R"(":{"$ref":"#"}}})"))
        << name;
  EXPECT_TRUE(output_schema(
      R"({"type":"object","properties":{"a":{"$ref":"#/$defs/A"},"b":{"$ref":"#/$defs/A"}},"$defs":{"A":{"type":"string"}}})"));
}

// A schema with so many definitions, each of which refers to the next.
std::string chain_of(int count) {
  std::string definitions;
  for (int i = 0; i < count; ++i)
    definitions +=
        "\"d" + std::to_string(i) + R"(":{"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"},";
  return R"({"type":"object","properties":{"a":{"$ref":"#/$defs/d0"}},"required":["a"],"$defs":{)" +
         definitions + "\"d" + std::to_string(count) + R"(":{"type":"string"}}})";
}

TEST(OutputSchema, cannot_be_sent_with_too_many_optional_properties) {
  std::string properties = R"("p":{})";
  for (int i = 0; i < 24; ++i) properties += ",\"p" + std::to_string(i) + "\":{}";
  EXPECT_FALSE(output_schema(R"({"type":"object","properties":{)" + properties + "}}"));
  EXPECT_TRUE(
      output_schema(R"({"type":"object","properties":{)" + properties + R"(},"required":["p"]})"));
  EXPECT_FALSE(output_schema("[]"));
  EXPECT_FALSE(output_schema(chain_of(100'000)))
      << "each reference would take a frame of the stack";
  EXPECT_TRUE(output_schema(chain_of(20)));
}

TEST(OutputSchema, costs_what_the_provider_counts) {
  struct Row {
    const char* name;
    const char* properties;
    int optional, unions;
  };
  const Row rows[] = {
      {"a property that need not be there is optional", R"("a":{"type":"string"})", 1, 0},
      {"one that may be null is a union", R"("r":{"type":["string","null"]})", 0, 1},
      {"so is one of several schemas", R"("r":{"anyOf":[{"type":"string"},{"type":"null"}]})", 0,
       1},
      {"however that is written", R"("r":{"oneOf":[{"type":"string"},{"type":"null"}]})", 0, 1},
      {"a list of one type is none", R"("r":{"type":["string"],"anyOf":[{"minLength":1}]})", 0, 0},
      {"what stands deeper counts, too",
       R"("r":{"type":"array","items":{"type":"object","properties":{"b":{"type":["integer","null"]}}}})",
       1, 1}};
  for (const Row& row : rows) {
    const auto schema = output_schema(R"({"type":"object","required":["r"],"properties":{)" +
                                      std::string(row.properties) + "}}");
    ASSERT_TRUE(schema) << row.name;
    EXPECT_EQ(schema->cost.optional, row.optional) << row.name;
    EXPECT_EQ(schema->cost.unions, row.unions) << row.name;
  }
}

TEST(OutputSchema, cannot_be_sent_with_too_many_unions) {
  const auto nullable = [](int count) {
    Document schema = {{"type", "object"}, {"additionalProperties", false}};
    for (int i = 0; i < count; ++i) {
      schema["properties"]["p" + std::to_string(i)] = {{"type", {"string", "null"}}};
      schema["required"].push_back("p" + std::to_string(i));
    }
    return output_schema(schema.dump()).has_value();
  };
  EXPECT_TRUE(nullable(16));
  EXPECT_FALSE(nullable(17));
}

}  // namespace
}  // namespace ccproxy::dialect
