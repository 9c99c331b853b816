#include "anthropic/models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "json/document.hpp"

namespace ccproxy::anthropic {
namespace {

using json::Document;

template <class Kind>
struct Word {
  std::string_view text;
  Kind kind;
};

constexpr Word<Effort> kEfforts[] = {{"low", Effort::kLow},
                                     {"medium", Effort::kMedium},
                                     {"high", Effort::kHigh},
                                     {"xhigh", Effort::kXhigh},
                                     {"max", Effort::kMax}};
constexpr Word<ThinkingState> kThinkingStates[] = {{"none", ThinkingState::kNone},
                                                   {"off", ThinkingState::kOff},
                                                   {"on", ThinkingState::kOn},
                                                   {"always", ThinkingState::kAlways}};
constexpr Word<ThinkingOff> kThinkingOffs[] = {{"none", ThinkingOff::kNone},
                                               {"omit", ThinkingOff::kOmit},
                                               {"disabled", ThinkingOff::kDisabled},
                                               {"between_tools", ThinkingOff::kBetweenTools}};
constexpr Word<ManualThinking> kManuals[] = {{"no", ManualThinking::kNo},
                                             {"deprecated", ManualThinking::kDeprecated},
                                             {"yes", ManualThinking::kYes}};
constexpr Word<ThinkingDisplay> kDisplays[] = {{"none", ThinkingDisplay::kNone},
                                               {"omitted", ThinkingDisplay::kOmitted},
                                               {"summarized", ThinkingDisplay::kSummarized}};
constexpr Word<ForcedToolChoice> kForced[] = {{"no", ForcedToolChoice::kNo},
                                              {"not_with_manual", ForcedToolChoice::kNotWithManual},
                                              {"yes", ForcedToolChoice::kYes}};
constexpr Word<Prefill> kPrefills[] = {
    {"no", Prefill::kNo}, {"not_with_thinking", Prefill::kNotWithThinking}, {"yes", Prefill::kYes}};
constexpr Word<PreservedThinking> kPreserved[] = {
    {"no", PreservedThinking::kNo},
    {"prefix", PreservedThinking::kPrefix},
    {"prefix_not_enforced", PreservedThinking::kPrefixNotEnforced},
    {"account", PreservedThinking::kAccount}};
constexpr Word<LifeState> kLifeStates[] = {{"active", LifeState::kActive},
                                           {"deprecated", LifeState::kDeprecated},
                                           {"invitation", LifeState::kInvitation},
                                           {"retired", LifeState::kRetired}};

// The readers below throw what nlohmann throws, and this for the rest; parse_models() catches.
template <class Kind, std::size_t N>
Kind kind_of(const Word<Kind> (&words)[N], const Document& value) {
  const auto& text = value.get_ref<const std::string&>();
  for (const auto& word : words)
    if (word.text == text) return word.kind;
  throw std::invalid_argument("no such value: " + text);
}

std::string text_at(const Document& row, const char* key) { return row.at(key).get<std::string>(); }

std::string text_or_empty(const Document& row, const char* key) {
  return row.contains(key) ? text_at(row, key) : std::string();
}

std::vector<std::string> texts_or_none(const Document& row, const char* key) {
  return row.contains(key) ? row.at(key).get<std::vector<std::string>>()
                           : std::vector<std::string>();
}

std::int64_t tokens_at(const Document& row, const char* key) {
  const Document& value = row.at(key);
  if (!value.is_number_unsigned()) throw std::invalid_argument(std::string(key) + ": no integer");
  return value.get<std::int64_t>();
}

Thinking read_thinking(const Document& row) {
  Thinking thinking{.standard = kind_of(kThinkingStates, row.at("default")),
                    .off = kind_of(kThinkingOffs, row.at("off")),
                    .manual = kind_of(kManuals, row.at("manual")),
                    .adaptive = row.at("adaptive").get<bool>(),
                    .display = kind_of(kDisplays, row.at("display"))};
  if (row.contains("off_max_effort"))
    thinking.off_max_effort = kind_of(kEfforts, row.at("off_max_effort"));
  return thinking;
}

Family read_family(const Document& row) {
  Family family{
      .name = text_at(row, "name"),
      .also = texts_or_none(row, "also"),
      .line = text_at(row, "line"),
      .context = tokens_at(row, "context"),
      .max_output = tokens_at(row, "max_output"),
      .sampling = row.at("sampling").get<bool>(),
      .thinking = read_thinking(row.at("thinking")),
      .efforts = {},
      .forced_tool_choice = kind_of(kForced, row.at("forced_tool_choice")),
      .prefill = kind_of(kPrefills, row.at("prefill")),
      .structured_outputs = row.at("structured_outputs").get<bool>(),
      .mid_system = row.at("mid_system").get<bool>(),
      .preserved_thinking = kind_of(kPreserved, row.at("preserved_thinking")),
      .uncertain = texts_or_none(row, "uncertain"),
  };
  const Document& effort = row.at("effort");
  for (const Document& level : effort.at("levels"))
    family.efforts.push_back(kind_of(kEfforts, level));
  if (!effort.at("default").is_null())
    family.standard_effort = kind_of(kEfforts, effort.at("default"));
  return family;
}

Prices read_prices(const Document& row) {
  return {.input = row.at("input").get<double>(),
          .output = row.at("output").get<double>(),
          .cache_write_5m = row.at("cache_write_5m").get<double>(),
          .cache_write_1h = row.at("cache_write_1h").get<double>(),
          .cache_read = row.at("cache_read").get<double>()};
}

Model read_model(const Document& row) {
  const Document& life = row.at("life");
  Model model{.id = text_at(row, "id"),
              .aliases = texts_or_none(row, "aliases"),
              .family = text_at(row, "family"),
              .display_name = text_at(row, "display_name"),
              .created = text_or_empty(row, "created"),
              .life = {.state = kind_of(kLifeStates, life.at("state")),
                       .date = text_or_empty(life, "date"),
                       .successor = text_or_empty(life, "successor")},
              .uncertain = texts_or_none(row, "uncertain")};
  if (!row.contains("prices")) return model;
  const Document& prices = row.at("prices");
  model.prices = read_prices(prices);
  if (prices.contains("above")) {
    const Document& above = prices.at("above");
    model.long_prompt = LongPrompt{tokens_at(above, "prompt_tokens"), read_prices(above)};
  }
  return model;
}

bool ends_in_date(std::string_view name) {
  constexpr std::size_t kDate = 9;  // -YYYYMMDD
  if (name.size() < kDate || name[name.size() - kDate] != '-') return false;
  const std::string_view digits = name.substr(name.size() - kDate + 1);
  return std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string_view effort_name(Effort effort) {
  for (const auto& word : kEfforts)
    if (word.kind == effort) return word.text;
  return {};
}

std::string_view family_name(std::string_view id) {
  constexpr std::string_view kPrefix = "claude-";
  constexpr std::string_view kLongContext = "[1m]";
  if (!id.starts_with(kPrefix)) return {};
  id.remove_prefix(kPrefix.size());
  if (id.ends_with(kLongContext)) id.remove_suffix(kLongContext.size());
  id = id.substr(0, id.find('@'));
  if (ends_in_date(id)) id.remove_suffix(9);
  return id;
}

const Model* ModelTable::find(std::string_view id) const {
  const auto found = model_index_.find(id);
  return found == model_index_.end() ? nullptr : &models_[found->second];
}

const Family* ModelTable::family_of(std::string_view id) const {
  const auto found = family_index_.find(family_name(id));
  return found == family_index_.end() ? nullptr : &families_[found->second];
}

std::string ModelTable::successor(std::string_view id) const {
  std::string current(id);
  // A chain is never longer than the table: one that is goes in a circle, and then the id stays.
  for (std::size_t steps = 0; steps <= models_.size(); ++steps) {
    const Model* row = find(current);
    if (!row || row->life.state != LifeState::kRetired || row->life.successor.empty())
      return current;
    current = row->life.successor;
  }
  return std::string(id);
}

Result<ModelTable> parse_models(std::string_view json) {
  auto document = json::parse_document(json);
  if (!document) return fail(document.error());

  ModelTable table;
  std::string where = "the head";
  const auto add = [](ModelTable::Index& index, const std::string& name, std::size_t row) {
    if (!index.emplace(name, row).second) throw std::invalid_argument("named twice: " + name);
  };
  try {
    for (const Document& row : document->at("families")) {
      where = "family " + row.value("name", "?");
      table.families_.push_back(read_family(row));
      const Family& family = table.families_.back();
      const std::size_t at = table.families_.size() - 1;
      add(table.family_index_, family.name, at);
      for (const auto& name : family.also) add(table.family_index_, name, at);
    }
    for (const Document& row : document->at("models")) {
      where = "model " + row.value("id", "?");
      table.models_.push_back(read_model(row));
      const Model& model = table.models_.back();
      const std::size_t at = table.models_.size() - 1;
      if (!table.family_index_.contains(model.family))
        throw std::invalid_argument("no such family: " + model.family);
      add(table.model_index_, model.id, at);
      for (const auto& alias : model.aliases) add(table.model_index_, alias, at);
    }
    where = "newest_family";
    table.newest_ = table.family_index_.at(text_at(*document, "newest_family"));
  } catch (const std::exception& error) {
    return fail(ErrorKind::kConfiguration, fmt::format("model table, {}: {}", where, error.what()));
  }
  return table;
}

}  // namespace ccproxy::anthropic
