#include "anthropic/model_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "anthropic/models_data.hpp"
#include "json/document.hpp"

namespace ccproxy::anthropic {
namespace {

const ModelTable& table() {
  static const auto parsed = parse_models(kModelsJson);
  return *parsed;
}

std::vector<ModelEntry> list(const Mapping& mapping) {
  return list_models(table(), mapping, [](std::string_view id) { return table().successor(id); });
}

std::string ids(std::span<const ModelEntry> entries) {
  std::string text;
  for (const ModelEntry& entry : entries) text += (text.empty() ? "" : " ") + entry.id;
  return text;
}

std::vector<ModelEntry> plain(std::initializer_list<const char*> names) {
  std::vector<ModelEntry> entries;
  for (const char* name : names) entries.push_back({.id = name, .display_name = name});
  return entries;
}

json::Document parsed(const std::string& text) {
  auto document = json::parse_document(text);
  EXPECT_TRUE(document) << text;
  return document ? *document : json::Document();
}

TEST(ListModels, has_the_available_models_and_then_the_mapped_names) {
  const auto entries = list({{"gpt-4", "claude-sonnet-4-20250514"},
                             {"gpt-*", "claude-opus-5"},
                             {"own", "claude-from-the-future"}});
  ASSERT_GE(entries.size(), 4U);
  EXPECT_EQ(entries.front().id, "claude-fable-5-2");
  EXPECT_EQ(ids(std::span(entries).last(2)), "gpt-4 own");
  EXPECT_EQ(find_entry(entries, "gpt-*"), nullptr) << "a pattern is no model";
  EXPECT_EQ(find_entry(entries, "claude-sonnet-4-20250514"), nullptr) << "it is retired";
  EXPECT_EQ(find_entry(entries, "claude-mythos-5"), nullptr) << "it is not for everybody";
  EXPECT_EQ(find_entry(entries, "claude-sonnet-4-5"), nullptr) << "retired, too";
  EXPECT_NE(find_entry(entries, "claude-opus-4-5-20251101"), nullptr) << "deprecated, alive";
}

TEST(ListModels, gives_a_mapped_name_the_capabilities_of_the_model_that_serves_it) {
  const auto entries = list({{"gpt-4", "claude-sonnet-4-20250514"}, {"own", "claude-new-9"}});
  const ModelEntry& gpt = *find_entry(entries, "gpt-4");
  EXPECT_EQ(gpt.maps_to, "claude-sonnet-4-20250514");
  EXPECT_EQ(gpt.served_by, "claude-sonnet-4-6");
  EXPECT_EQ(gpt.display_name, "gpt-4 (Claude Sonnet 4.6)");
  EXPECT_EQ(gpt.family, table().family_of("claude-sonnet-4-6"));
  EXPECT_EQ(gpt.context, 1'000'000);
  const ModelEntry& own = *find_entry(entries, "own");
  EXPECT_EQ(own.family, nullptr);
  EXPECT_EQ(own.context, 0);
}

TEST(ListModels, has_a_model_id_once_when_it_is_mapped) {
  const auto entries = list({{"claude-opus-5", "claude-opus-5-5"}});
  EXPECT_EQ(std::count_if(entries.begin(), entries.end(),
                          [](const ModelEntry& entry) { return entry.id == "claude-opus-5"; }),
            1);
  EXPECT_EQ(find_entry(entries, "claude-opus-5")->served_by, "claude-opus-5-5");
}

struct PageCase {
  const char* description;
  Page page;
  const char* ids;
  bool more;
};

const PageCase kPages[] = {
    {"everything fits", {}, "a b c d e", false},
    {"the first ones", {.limit = 2}, "a b", true},
    {"exactly all", {.limit = 5}, "a b c d e", false},
    {"behind an id", {.limit = 2, .after_id = "b"}, "c d", true},
    {"up to the end", {.limit = 2, .after_id = "c"}, "d e", false},
    {"behind the last is nothing", {.after_id = "e"}, "", false},
    {"the nearest before an id", {.limit = 2, .before_id = "d"}, "b c", true},
    {"all before an id", {.limit = 9, .before_id = "c"}, "a b", false},
    {"before the first is nothing", {.before_id = "a"}, "", false},
    {"an unknown id gives nothing, so that nobody walks in circles", {.after_id = "x"}, "", false},
    {"a limit of nothing is one", {.limit = 0}, "a", true},
};

TEST(ModelList, returns_the_requested_page) {
  const auto entries = plain({"a", "b", "c", "d", "e"});
  for (const auto& row : kPages) {
    SCOPED_TRACE(row.description);
    const auto body = parsed(model_list(entries, row.page));
    std::string shown;
    for (const auto& item : body["data"])
      shown += (shown.empty() ? "" : " ") + item["id"].get<std::string>();
    EXPECT_EQ(shown, row.ids);
    EXPECT_EQ(body["has_more"], row.more);
    EXPECT_EQ(body["first_id"].is_null(), shown.empty());
    if (shown.empty()) continue;
    EXPECT_EQ(body["first_id"].get<std::string>(), shown.substr(0, 1));
    EXPECT_EQ(body["last_id"].get<std::string>(), shown.substr(shown.size() - 1));
  }
}

TEST(ModelList, writes_every_field_of_a_model) {
  const auto entries = list({{"gpt-4", "claude-sonnet-4-20250514"}});
  const auto opus = parsed(model_object(*find_entry(entries, "claude-opus-4-5")));
  EXPECT_EQ(opus["type"], "model");
  EXPECT_EQ(opus["display_name"], "Claude Opus 4.5");
  EXPECT_EQ(opus["created_at"], "2025-11-01T00:00:00Z");
  EXPECT_EQ(opus["lifecycle"], "deprecated");
  EXPECT_EQ(opus["retires_at"], "2027-01-22T00:00:00Z");
  EXPECT_EQ(opus["line"], "opus");
  EXPECT_EQ(opus["max_input_tokens"], 200'000);
  EXPECT_EQ(opus["max_tokens"], 64'000);
  EXPECT_FALSE(opus.contains("x_ccproxy"));
  const auto& can = opus["capabilities"];
  EXPECT_EQ(can["effort"]["high"]["supported"], true);
  EXPECT_EQ(can["effort"]["max"]["supported"], false);
  const auto haiku = parsed(model_object(*find_entry(entries, "claude-haiku-4-5")));
  EXPECT_EQ(haiku["capabilities"]["effort"]["supported"], false);
  EXPECT_EQ(can["thinking"]["types"]["enabled"]["supported"], true);
  EXPECT_EQ(can["thinking"]["types"]["adaptive"]["supported"], false);
  EXPECT_EQ(can["structured_outputs"]["supported"], true);
  for (const char* always : {"batch", "citations", "code_execution", "context_management",
                             "image_input", "pdf_input", "server_tools"})
    EXPECT_EQ(can[always]["supported"], true) << always;
  EXPECT_EQ(can["context_management"]["clear_tool_uses_20250919"]["supported"], true);
  EXPECT_EQ(can["context_management"]["clear_thinking_20251015"]["supported"], true);
  EXPECT_EQ(can["context_management"]["compact_20260112"]["supported"], false);
  EXPECT_EQ(can["server_tools"]["web_search"]["supported"], true);
  EXPECT_EQ(can["server_tools"]["code_execution"]["supported"], true);
  EXPECT_EQ(can["thinking"]["types"]["between_tools"]["supported"], false);
  const auto sonnet = parsed(model_object(*find_entry(entries, "claude-sonnet-5-5")));
  EXPECT_EQ(sonnet["capabilities"]["thinking"]["types"]["between_tools"]["supported"], true);
  EXPECT_EQ(sonnet["capabilities"]["context_management"]["compact_20260112"]["supported"], true);

  const auto gpt = parsed(model_object(*find_entry(entries, "gpt-4")));
  EXPECT_EQ(gpt["x_ccproxy"].dump(),
            R"({"maps_to":"claude-sonnet-4-20250514","served_by":"claude-sonnet-4-6"})");
  EXPECT_EQ(gpt["lifecycle"], "active");
  EXPECT_EQ(gpt["capabilities"]["effort"]["max"]["supported"], true);
  EXPECT_EQ(gpt["capabilities"]["effort"]["xhigh"]["supported"], false);

  const auto unknown = parsed(model_object({.id = "u", .display_name = "U"}));
  EXPECT_EQ(unknown["created_at"], "1970-01-01T00:00:00Z");
  EXPECT_TRUE(unknown["max_tokens"].is_null());
  EXPECT_TRUE(unknown["capabilities"].is_null());
}

TEST(MergeUpstream, replaces_known_models_and_inserts_new_ones_in_the_upstreams_order) {
  auto entries = plain({"a", "b", "c"});
  entries[1].aliases = {"b-20250101"};
  entries.push_back({.id = "name", .display_name = "name", .maps_to = "b", .served_by = "b"});
  const auto merged = merge_upstream(
      entries,
      R"({"data":[{"id":"new"},{"id":"b-20250101","display_name":"B","max_tokens":7,"extra":1},)"
      R"({"id":"newer"},{"id":"name","display_name":"no"}],"has_more":false})",
      table());
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_EQ(ids(entries), "new a b-20250101 newer c name");
  EXPECT_EQ(entries[2].display_name, "B");
  EXPECT_EQ(entries[2].max_output, 7);
  EXPECT_EQ(model_object(entries[2]),
            R"({"id":"b-20250101","display_name":"B","max_tokens":7,"extra":1})");
  EXPECT_NE(find_entry(entries, "b"), nullptr) << "the shorter id still finds it";
  EXPECT_EQ(find_entry(entries, "name")->display_name, "name") << "the mapping wins";
}

TEST(MergeUpstream, gives_a_mapped_name_the_capabilities_of_its_model) {
  auto entries = list({{"mine", "claude-sonnet-5"}, {"other", "claude-haiku-4-5"}});
  ASSERT_TRUE(merge_upstream(
      entries,
      R"({"data":[{"id":"claude-sonnet-5","capabilities":{"new":{"supported":true}}},)"
      R"({"id":"claude-haiku-4-5-20251001"}]})",
      table()));
  EXPECT_EQ(parsed(model_object(*find_entry(entries, "mine")))["capabilities"].dump(),
            R"({"new":{"supported":true}})");
  EXPECT_TRUE(parsed(model_object(*find_entry(entries, "other")))["capabilities"].contains("batch"))
      << "where upstream says nothing of it, the table does";
}

TEST(MergeUpstream, keeps_what_the_table_knows_about_a_model) {
  auto entries = list({});
  ASSERT_TRUE(merge_upstream(entries, R"({"data":[{"id":"claude-opus-4-5-20251101"}]})", table()));
  const ModelEntry& opus = *find_entry(entries, "claude-opus-4-5");
  EXPECT_EQ(opus.id, "claude-opus-4-5-20251101");
  EXPECT_EQ(opus.family, table().family_of("claude-opus-4-5"));
  EXPECT_EQ(opus.context, 200'000);
}

TEST(ListModels, has_the_date_of_every_known_model) {
  auto entries = list({{"sonnet", "claude-sonnet-5-5"}});
  for (const ModelEntry& entry : entries) EXPECT_FALSE(entry.created_at.empty()) << entry.id;
  for (const char* without :
       {R"({"data":[{"id":"claude-sonnet-5-5"}]})",
        R"({"data":[{"id":"claude-sonnet-5-5","created_at":"1970-01-01T00:00:00Z"}]})"}) {
    ASSERT_TRUE(merge_upstream(entries, without, table()));
    EXPECT_EQ(find_entry(entries, "claude-sonnet-5-5")->created_at, "2026-10-07T00:00:00Z");
  }
}

TEST(MergeUpstream, refuses_a_body_that_is_not_a_list_and_changes_nothing) {
  const std::string deep =
      R"({"data":[{"id":"x","y":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}]}";
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"data":{}})"),
        std::string(R"({"data":[1]})"), std::string(R"({"data":[{"id":"new"},{"id":5}]})"), deep}) {
    auto entries = plain({"a"});
    const auto merged = merge_upstream(entries, text, table());
    ASSERT_FALSE(merged) << text.substr(0, 40);
    EXPECT_EQ(merged.error().kind, ErrorKind::kUpstreamBroke);
    EXPECT_EQ(ids(entries), "a");
  }
}

}  // namespace
}  // namespace ccproxy::anthropic
