#include "dialect/model_list.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "anthropic/models_data.hpp"
#include "json/document.hpp"

namespace ccproxy::dialect {
namespace {

using anthropic::ModelEntry;

const anthropic::ModelTable& table() {
  static const auto parsed = anthropic::parse_models(anthropic::kModelsJson);
  return *parsed;
}

std::vector<ModelEntry> all() {
  return anthropic::list_models(table(),
                                {{"gpt-4", "claude-sonnet-4-20250514"}, {"own", "claude-new-9"}},
                                [](std::string_view id) { return table().successor(id); });
}

json::Document parsed(const std::string& text) {
  auto document = json::parse_document(text);
  EXPECT_TRUE(document) << text;
  return document ? *document : json::Document();
}

TEST(OpenAiModels, have_the_fields_that_sdks_read) {
  const auto entries = all();
  const auto body = parsed(openai_model_list(entries));
  EXPECT_EQ(body["object"], "list");
  ASSERT_EQ(body["data"].size(), entries.size());
  for (const auto& item : body["data"]) {
    EXPECT_EQ(item["object"], "model");
    EXPECT_TRUE(item["created"].is_number_integer());
    EXPECT_EQ(item["owned_by"], "anthropic");
  }
}

TEST(OpenAiModels, show_the_target_of_a_mapped_name) {
  const auto entries = all();
  EXPECT_EQ(openai_model(*find_entry(entries, "gpt-4")),
            R"({"id":"gpt-4","object":"model","created":1771286400,"owned_by":"anthropic",)"
            R"("context_length":1000000,"max_output_tokens":128000,"x_ccproxy":)"
            R"({"maps_to":"claude-sonnet-4-20250514","served_by":"claude-sonnet-4-6"}})");
  EXPECT_EQ(openai_model(*find_entry(entries, "claude-haiku-4-5")),
            R"({"id":"claude-haiku-4-5","object":"model","created":1759276800,)"
            R"("owned_by":"anthropic","context_length":200000,"max_output_tokens":64000})");
  EXPECT_EQ(openai_model(*find_entry(entries, "own")),
            R"({"id":"own","object":"model","created":0,"owned_by":"anthropic",)"
            R"("x_ccproxy":{"maps_to":"claude-new-9","served_by":"claude-new-9"}})");
}

TEST(OpenAiModels, have_created_in_unix_seconds) {
  const struct {
    const char* at;
    std::int64_t seconds;
  } rows[] = {{"1970-01-01T00:00:00Z", 0},
              {"2025-11-24T12:30:15Z", 1763987415},
              {"2024-02-29", 1709164800},
              {"2025-02-30", 0},
              {"yesterday", 0},
              {"", 0}};
  for (const auto& row : rows) {
    const ModelEntry entry{.id = "x", .display_name = "x", .created_at = row.at};
    EXPECT_EQ(parsed(openai_model(entry))["created"], row.seconds) << row.at;
  }
}

TEST(CodexModels, have_all_fields_with_values_that_codex_reads) {
  const std::set<std::string> efforts = {"none", "minimal", "low", "medium", "high", "xhigh"};
  const auto entries = all();
  const auto body = parsed(codex_model_list(entries, "0.100.0"));
  ASSERT_EQ(body["models"].size(), entries.size());
  int priority = 0;
  for (const auto& item : body["models"]) {
    SCOPED_TRACE(item["slug"]);
    for (const char* field :
         {"slug", "display_name", "description", "default_reasoning_level",
          "supported_reasoning_levels", "shell_type", "visibility", "supported_in_api", "priority",
          "base_instructions", "supports_reasoning_summaries", "support_verbosity",
          "default_verbosity", "apply_patch_tool_type", "truncation_policy",
          "supports_parallel_tool_calls", "experimental_supported_tools", "context_window"})
      EXPECT_TRUE(item.contains(field)) << field;
    EXPECT_EQ(item["apply_patch_tool_type"], "freeform");
    EXPECT_EQ(item["visibility"], "list");
    EXPECT_EQ(item["truncation_policy"]["mode"], "tokens");
    EXPECT_TRUE(item["truncation_policy"]["limit"].is_number_integer());
    EXPECT_EQ(item["priority"], ++priority);
    for (const auto& level : item["supported_reasoning_levels"]) {
      EXPECT_TRUE(efforts.contains(level["effort"].get<std::string>())) << level;
      EXPECT_FALSE(level["description"].get<std::string>().empty());
    }
  }
}

std::string levels(const char* id, const char* version) {
  const auto entries = all();
  const auto body = parsed(codex_model_list(entries, version));
  for (const auto& item : body["models"]) {
    if (item["slug"] != id) continue;
    std::string text;
    for (const auto& level : item["supported_reasoning_levels"])
      text += level["effort"].get<std::string>() + " ";
    return text + "default " + item["default_reasoning_level"].dump();
  }
  return "not listed";
}

TEST(CodexModels, offer_the_levels_of_the_family) {
  const struct {
    const char* name;
    const char* id;
    const char* version;
    const char* levels;
  } rows[] = {
      {"a new Codex reads max", "claude-opus-5-5", "0.153.4",
       R"(low medium high xhigh max default "medium")"},
      {"an old one would drop the list", "claude-opus-5-5", "0.98.0",
       R"(low medium high xhigh default "medium")"},
      {"an unreadable version counts as old", "claude-opus-5-5", "next",
       R"(low medium high xhigh default "medium")"},
      {"a version after 0 counts as new", "claude-opus-5-5", "1.0.0",
       R"(low medium high xhigh max default "medium")"},
      {"a mapped name has the levels of its target", "gpt-4", "0.153.4",
       R"(low medium high max default "high")"},
      {"budgets stand in where there are no levels", "claude-haiku-4-5", "0.153.4",
       R"(low medium high default "medium")"},
      {"an unknown model gets the levels of budgets", "own", "0.153.4",
       R"(low medium high default "medium")"},
  };
  for (const auto& row : rows) EXPECT_EQ(levels(row.id, row.version), row.levels) << row.name;
}

TEST(CodexModels, offer_no_levels_without_thinking) {
  const ModelEntry haiku{
      .id = "h", .display_name = "h", .family = table().family_of("claude-3-5-haiku-20241022")};
  const auto body = parsed(codex_model_list(std::span(&haiku, 1), "0.153.4"));
  EXPECT_TRUE(body["models"][0]["supported_reasoning_levels"].empty());
  EXPECT_TRUE(body["models"][0]["default_reasoning_level"].is_null());
  EXPECT_EQ(body["models"][0]["supports_reasoning_summaries"], false);
}

}  // namespace
}  // namespace ccproxy::dialect
