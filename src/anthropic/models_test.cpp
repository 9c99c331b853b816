#include "anthropic/models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "anthropic/models_data.hpp"

namespace ccproxy::anthropic {
namespace {

const ModelTable& table() {
  static const auto parsed = parse_models(kModelsJson);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return *parsed;
}

struct FamilyCase {
  const char* description;
  const char* id;
  const char* family;  // nullptr: unknown
};

const FamilyCase kFamilies[] = {
    {"an undated id is its family", "claude-opus-5-5", "opus-5-5"},
    {"a date does not matter", "claude-haiku-4-5-20251001", "haiku-4-5"},
    {"a date nobody has seen yet does not matter either", "claude-opus-5-20270101", "opus-5"},
    {"the long context mark does not matter", "claude-sonnet-4-6[1m]", "sonnet-4-6"},
    {"what follows an @ does not matter", "claude-sonnet-4-5@20250929", "sonnet-4-5"},
    {"date, @ and mark together", "claude-opus-4-5-20251101@x[1m]", "opus-4-5"},
    {"a newer minor version is not the family it begins like", "claude-opus-5-9", nullptr},
    {"nor is a longer name", "claude-opus-5-fast", nullptr},
    {"seven digits are no date", "claude-opus-5-2027010", nullptr},
    {"a dated opus 4 is 4-0", "claude-opus-4-20250514", "opus-4-0"},
    {"and so is its alias", "claude-opus-4-0", "opus-4-0"},
    {"sonnet 4 is 4-0 too", "claude-sonnet-4", "sonnet-4-0"},
    {"sonnet 3.7 has a row of its own", "claude-3-7-sonnet-20250219", "3-7-sonnet"},
    {"sonnet 3.5 too", "claude-3-5-sonnet-20240620", "3-5-sonnet"},
    {"opus 3 too", "claude-3-opus-20240229", "3-opus"},
    {"mythos is known", "claude-mythos-preview", "mythos-preview"},
    {"only ids that begin with claude- are known", "opus-5", nullptr},
    {"another maker's model is unknown", "gpt-4", nullptr},
    {"the bare prefix is unknown", "claude-", nullptr},
    {"nothing is unknown", "", nullptr},
};

TEST(ModelTable, finds_a_family_by_its_whole_name) {
  for (const auto& row : kFamilies) {
    SCOPED_TRACE(row.description);
    const Family* family = table().family_of(row.id);
    if (!row.family) {
      EXPECT_EQ(family, nullptr);
      continue;
    }
    ASSERT_NE(family, nullptr);
    EXPECT_EQ(family->name, row.family);
  }
}

TEST(ModelTable, finds_ids_and_aliases_by_their_whole_name_only) {
  ASSERT_NE(table().find("claude-opus-4-5-20251101"), nullptr);
  EXPECT_EQ(table().find("claude-opus-4-5-20251101"), table().find("claude-opus-4-5"));
  EXPECT_EQ(table().find("claude-opus-4-5[1m]"), nullptr);
  EXPECT_EQ(table().find("claude-opus-4-5-20251102"), nullptr);
}

struct SuccessorCase {
  const char* description;
  const char* id;
  const char* sent;
};

const SuccessorCase kSuccessors[] = {
    {"a retired id is followed", "claude-sonnet-4-20250514", "claude-sonnet-4-6"},
    {"its alias too", "claude-sonnet-4-0", "claude-sonnet-4-6"},
    {"opus 4 by its alias", "claude-opus-4-0", "claude-opus-4-8"},
    {"haiku 3.5", "claude-3-5-haiku-20241022", "claude-haiku-4-5"},
    {"both sonnets 3.5", "claude-3-5-sonnet-20240620", "claude-sonnet-4-6"},
    {"an active id stays", "claude-opus-4-8", "claude-opus-4-8"},
    {"a deprecated id stays as long as it is not marked retired", "claude-opus-4-5",
     "claude-opus-4-5"},
    {"sonnet 4.5 has retired", "claude-sonnet-4-5", "claude-sonnet-5-5"},
    {"by its dated id, too", "claude-sonnet-4-5-20250929", "claude-sonnet-5-5"},
    {"an unknown id stays", "claude-opus-9", "claude-opus-9"},
    {"nothing is stripped on the way", "claude-sonnet-4-20250514[1m]",
     "claude-sonnet-4-20250514[1m]"},
};

TEST(ModelTable, replaces_retired_ids_only) {
  for (const auto& row : kSuccessors)
    EXPECT_EQ(table().successor(row.id), row.sent) << row.description;
}

struct SpellingCase {
  const char* description;
  const char* name;
  const char* id;
};

const SpellingCase kSpellings[] = {
    {"a known id is itself", "claude-sonnet-4-5", "claude-sonnet-4-5"},
    {"so is an alias", "claude-opus-4-0", "claude-opus-4-0"},
    {"the maker's name before it", "anthropic/claude-opus-5", "claude-opus-5"},
    {"behind a gateway's", "openrouter/anthropic/claude-opus-5", "claude-opus-5"},
    {"with a colon", "anthropic:claude-opus-5", "claude-opus-5"},
    {"before an id nobody knows", "anthropic/claude-opus-9", "claude-opus-9"},
    {"before another maker's model it stays", "anthropic/gpt-4", "anthropic/gpt-4"},
    {"another maker's name stays", "bedrock/claude-opus-5", "bedrock/claude-opus-5"},
    {"dots in the version", "claude-sonnet-4.5", "claude-sonnet-4-5"},
    {"both", "anthropic/claude-haiku-5.5", "claude-haiku-5-5"},
    {"with its date", "claude-opus-4.5-20251101", "claude-opus-4-5-20251101"},
    {"without its date", "claude-sonnet-4", "claude-sonnet-4-20250514"},
    {"the same of opus", "claude-opus-4", "claude-opus-4-20250514"},
    {"and of an older one", "claude-opus-4.1", "claude-opus-4-1-20250805"},
    {"the version first, as older ids had it", "claude-4.5-sonnet", "claude-sonnet-4-5"},
    {"with dashes", "claude-4-5-haiku", "claude-haiku-4-5"},
    {"and last, as newer ids have it", "claude-sonnet-3.7", "claude-3-7-sonnet-20250219"},
    {"latest", "claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"},
    {"an older date of the same", "claude-3.5-sonnet-20240620", "claude-3-5-sonnet-20240620"},
    {"a date behind an @", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929"},
    {"another case", "Claude-Opus-5.5", "claude-opus-5-5"},
    {"a line alone is its newest", "claude-sonnet", "claude-sonnet-5-5"},
    {"latest of a line, too", "anthropic/claude-opus-latest", "claude-opus-5-5"},
    {"a version nobody knows stays", "claude-opus-9.1", "claude-opus-9.1"},
    {"a date nobody knows stays", "claude-opus-5-20270101", "claude-opus-5-20270101"},
    {"more words stay", "claude-opus-5-fast", "claude-opus-5-fast"},
    {"a line of nobody's stays", "claude-poem-5", "claude-poem-5"},
    {"a bare line is a matter of the mapping", "sonnet", "sonnet"},
    {"the prefix alone stays", "claude-", "claude-"},
    {"nothing stays nothing", "", ""},
};

TEST(ModelTable, finds_an_id_in_the_spelling_of_other_providers) {
  for (const auto& row : kSpellings) EXPECT_EQ(table().id_of(row.name), row.id) << row.description;
}

TEST(ModelTable, finds_the_newest_active_model_of_a_line) {
  for (const auto& [line, id] : {std::pair("fable", "claude-fable-5-2"),
                                 {"opus", "claude-opus-5-5"},
                                 {"sonnet", "claude-sonnet-5-5"},
                                 {"haiku", "claude-haiku-5-5"}}) {
    ASSERT_NE(table().newest_of(line), nullptr) << line;
    EXPECT_EQ(table().newest_of(line)->id, id);
  }
  EXPECT_EQ(table().newest_of("mythos"), nullptr) << "by invitation only";
  EXPECT_EQ(table().newest_of(""), nullptr);
  EXPECT_EQ(table().newest_of("gpt-4"), nullptr);
}

TEST(ModelTable, finds_a_newer_model_that_costs_less) {
  const auto cheaper = [](const char* id) {
    const Model* newer = table().cheaper_successor(*table().find(id));
    return newer == nullptr ? "" : newer->id;
  };
  EXPECT_EQ(cheaper("claude-sonnet-4-6"), "claude-sonnet-5-5");
  EXPECT_EQ(cheaper("claude-opus-4-8"), "claude-opus-5-5");
  EXPECT_EQ(cheaper("claude-3-opus-20240229"), "claude-opus-5-5") << "a retired one, too";
  EXPECT_EQ(cheaper("claude-sonnet-5-5"), "") << "nothing is newer";
  EXPECT_EQ(cheaper("claude-sonnet-5"), "") << "the newer one costs the same";
}

TEST(ModelTable, has_a_release_date_for_models_without_one) {
  EXPECT_EQ(table().released(*table().find("claude-opus-5")), "2026-07-24");
  for (const Model& row : table().models()) EXPECT_FALSE(table().released(row).empty()) << row.id;
  EXPECT_EQ(table().released(*table().find("claude-sonnet-5-5")), "2026-10-07")
      << "no older than the next one";
}

TEST(Life, is_retiring_for_sixty_days_before_its_end) {
  const Life life{.state = LifeState::kDeprecated, .date = "2027-01-22", .successor = "x"};
  const auto is_near = [&](const char* now) { return is_retiring(life, instant_of(now).value()); };
  EXPECT_FALSE(is_near("2026-11-22T23:59:59Z"));
  EXPECT_TRUE(is_near("2026-11-23T00:00:00Z"));
  EXPECT_TRUE(is_near("2027-03-01T00:00:00Z")) << "until it is marked";
  const Instant late = instant_of("2030-01-01").value();
  EXPECT_FALSE(is_retiring({.state = LifeState::kRetired, .date = "2027-01-22"}, late));
  EXPECT_FALSE(is_retiring({.state = LifeState::kActive}, late)) << "no date is set";
}

// A table with one family and the given rows of models.
std::string small_table(const std::string& models) {
  return R"({"newest_family":"f","families":[{"name":"f","line":"opus","context":1,"max_output":1,
    "sampling":true,"thinking":{"default":"off","off":"omit","manual":"yes","adaptive":false,
    "display":"none"},"effort":{"levels":[],"default":null},"forced_tool_choice":"yes",
    "prefill":"yes","structured_outputs":true,"mid_system":true,"preserved_thinking":"no"}],
    "models":[)" +
         models + "]}";
}

std::string model(const std::string& id, const std::string& state, const std::string& successor) {
  return R"({"id":")" + id + R"(","family":"f","display_name":"x","life":{"state":")" + state +
         R"(","successor":")" + successor + "\"}}";
}

TEST(ModelTable, follows_a_chain_of_successors_but_no_cycle) {
  const auto chain =
      parse_models(small_table(model("a", "retired", "b") + "," + model("b", "retired", "c") + "," +
                               model("c", "deprecated", "d")));
  ASSERT_TRUE(chain) << chain.error().message;
  EXPECT_EQ(chain->successor("a"), "c");
  const auto circle =
      parse_models(small_table(model("a", "retired", "b") + "," + model("b", "retired", "a")));
  ASSERT_TRUE(circle);
  EXPECT_EQ(circle->successor("a"), "a");
  EXPECT_EQ(circle->successor("b"), "b");
}

TEST(ModelTable, names_the_row_that_it_cannot_read) {
  const auto error_of = [](const std::string& text) {
    const auto parsed = parse_models(text);
    return parsed ? std::string() : parsed.error().message;
  };
  EXPECT_NE(error_of("{").find("line 1"), std::string::npos);
  EXPECT_NE(error_of("{}").find("the head"), std::string::npos);
  EXPECT_NE(error_of(small_table(model("a", "asleep", ""))).find("model a: no such value: asleep"),
            std::string::npos);
  EXPECT_NE(error_of(small_table(model("a", "active", "") + "," + model("a", "active", "")))
                .find("named twice: a"),
            std::string::npos);
  std::string other = small_table(model("a", "active", ""));
  other.replace(other.find(R"("family":"f")"), 12, R"("family":"g")");
  EXPECT_NE(error_of(other).find("model a: no such family: g"), std::string::npos);
  std::string fraction = small_table("");
  fraction.replace(fraction.find(R"("context":1)"), 11, R"("context":1.5)");
  EXPECT_NE(error_of(fraction).find("family f: context: no integer"), std::string::npos);
}

TEST(ModelTable, treats_an_unknown_model_as_the_newest_family) {
  const Family& newest = *table().newest_family();
  EXPECT_TRUE(newest.thinking.adaptive);
  EXPECT_FALSE(newest.sampling);
  EXPECT_EQ(newest.forced_tool_choice, ForcedToolChoice::kNo);
  EXPECT_EQ(newest.prefill, Prefill::kNo);
}

TEST(ModelTable, has_capabilities_and_prices_as_written) {
  const Family& haiku = *table().family_of("claude-haiku-5-5");
  EXPECT_EQ(haiku.context, 1'000'000);
  EXPECT_EQ(haiku.max_output, 128'000);
  EXPECT_EQ(haiku.thinking.standard, ThinkingState::kOn);
  EXPECT_EQ(haiku.thinking.off, ThinkingOff::kDisabled);
  EXPECT_EQ(haiku.thinking.off_max_effort, Effort::kHigh);
  EXPECT_EQ(haiku.standard_effort, Effort::kMedium);
  EXPECT_EQ(haiku.preserved_thinking, PreservedThinking::kAccount);
  EXPECT_EQ(effort_name(haiku.efforts.back()), "max");

  const Model& priced = *table().find("claude-haiku-5-5");
  ASSERT_TRUE(priced.prices && priced.long_prompt);
  EXPECT_DOUBLE_EQ(priced.prices->cache_write_5m, 0.125);
  EXPECT_EQ(priced.long_prompt->above, 100'000);
  EXPECT_DOUBLE_EQ(priced.long_prompt->prices.cache_read, 0.05);
  EXPECT_DOUBLE_EQ(table().find("claude-sonnet-5-5")->prices->cache_read, 0.1);
  EXPECT_DOUBLE_EQ(table().find("claude-3-5-haiku-20241022")->prices->cache_write_1h, 1.6);

  EXPECT_EQ(haiku.native.compaction, NativeSupport::kYes);
  EXPECT_EQ(haiku.native.updates, NativeSupport::kUnknown);
  EXPECT_EQ(table().family_of("claude-sonnet-5")->native.inline_tools, NativeSupport::kNo);
  EXPECT_FALSE(table().family_of("claude-sonnet-5")->mid_system);
}

TEST(ModelTable, has_the_lifecycle_of_each_model) {
  const auto life = [](const char* id) { return table().find(id)->life; };
  EXPECT_EQ(life("claude-sonnet-4-5").state, LifeState::kRetired);
  EXPECT_EQ(life("claude-sonnet-4-5").successor, "claude-sonnet-5-5");
  EXPECT_EQ(life("claude-opus-4-5").state, LifeState::kDeprecated);
  EXPECT_EQ(life("claude-opus-4-5").date, "2027-01-22");
  EXPECT_EQ(life("claude-opus-4-5").successor, "claude-opus-5-5");
  EXPECT_EQ(life("claude-fable-5-2").state, LifeState::kActive);
  EXPECT_EQ(life("claude-mythos-5-2").state, LifeState::kInvitation);
}

bool is_date(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  return text.find_first_not_of("0123456789-") == std::string::npos && text.substr(5, 2) <= "12" &&
         text.substr(8, 2) <= "31";
}

TEST(ModelsJson, has_families_that_do_not_contradict_themselves) {
  const std::set<std::string> lines = {"fable", "mythos", "opus", "sonnet", "haiku"};
  for (const Family& family : table().families()) {
    SCOPED_TRACE(family.name);
    EXPECT_TRUE(lines.contains(family.line));
    EXPECT_NE(family.name.find(family.line), std::string::npos);
    EXPECT_GE(family.context, 200'000);
    EXPECT_GE(family.max_output, 4096);
    EXPECT_LT(family.max_output, family.context);
    EXPECT_TRUE(std::is_sorted(family.efforts.begin(), family.efforts.end()));
    EXPECT_EQ(family.efforts.empty(), !family.standard_effort);
    const auto usual = family.standard_effort.value_or(Effort::kLow);
    EXPECT_TRUE(family.efforts.empty() ||
                std::count(family.efforts.begin(), family.efforts.end(), usual) == 1);
    EXPECT_EQ(family.thinking.off == ThinkingOff::kNone,
              family.thinking.standard == ThinkingState::kAlways);
    EXPECT_EQ(family.thinking.standard == ThinkingState::kNone,
              !family.thinking.adaptive && family.thinking.manual == ManualThinking::kNo);
  }
}

TEST(ModelsJson, has_dates_prices_and_available_successors_for_each_model) {
  std::set<std::string> used;
  for (const Model& row : table().models()) {
    SCOPED_TRACE(row.id);
    used.insert(row.family);
    EXPECT_TRUE(row.id.starts_with("claude-"));
    EXPECT_TRUE(row.display_name.starts_with("Claude "));
    ASSERT_NE(table().family_of(row.id), nullptr);
    EXPECT_EQ(table().family_of(row.id)->name, row.family);
    for (const auto& alias : row.aliases) {
      ASSERT_NE(table().family_of(alias), nullptr) << alias;
      EXPECT_EQ(table().family_of(alias)->name, row.family) << alias;
    }
    EXPECT_TRUE(row.created.empty() || is_date(row.created)) << row.created;
    EXPECT_TRUE(row.life.date.empty() || is_date(row.life.date)) << row.life.date;
    const bool retired = row.life.state == LifeState::kRetired;
    ASSERT_TRUE(row.prices) << "history is priced by them";
    EXPECT_LT(row.prices->input, row.prices->output);
    EXPECT_LT(row.prices->cache_read, row.prices->input);
    EXPECT_LT(row.prices->cache_write_5m, row.prices->cache_write_1h);
    if (!retired && row.life.state != LifeState::kDeprecated) continue;
    EXPECT_FALSE(row.life.date.empty());
    EXPECT_NE(table().find(row.life.successor), nullptr) << row.life.successor;
    const Model* last = table().find(table().successor(row.id));
    ASSERT_NE(last, nullptr);
    EXPECT_NE(last->life.state, LifeState::kRetired);
  }
  EXPECT_EQ(used.size(), table().families().size()) << "a family without a model";
}

TEST(ModelsJson, lists_models_newest_first_within_each_state) {
  const auto group = [](const Model& row) {
    return row.life.state == LifeState::kDeprecated ? LifeState::kActive : row.life.state;
  };
  LifeState state = LifeState::kActive;
  std::string last;
  for (const Model& row : table().models()) {
    if (group(row) != state) last.clear();
    EXPECT_GE(group(row), state) << row.id;
    state = group(row);
    if (row.created.empty()) continue;
    EXPECT_TRUE(last.empty() || row.created <= last) << row.id;
    last = row.created;
  }
}

}  // namespace
}  // namespace ccproxy::anthropic
