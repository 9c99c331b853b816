#include "anthropic/models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/text.hpp"
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
constexpr Word<NativeSupport> kSupports[] = {
    {"no", NativeSupport::kNo}, {"yes", NativeSupport::kYes}, {"unknown", NativeSupport::kUnknown}};
constexpr Word<LifeState> kLifeStates[] = {{"active", LifeState::kActive},
                                           {"deprecated", LifeState::kDeprecated},
                                           {"invitation", LifeState::kInvitation},
                                           {"retired", LifeState::kRetired}};

// The readers below throw nlohmann's exceptions and std::invalid_argument, which parse_models()
// catches.
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

Native read_native(const Document& row) {
  return {.inline_tools = kind_of(kSupports, row.at("inline_tools")),
          .mid_effort = kind_of(kSupports, row.at("mid_effort")),
          .compaction = kind_of(kSupports, row.at("compaction")),
          .updates = kind_of(kSupports, row.at("updates"))};
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
  if (row.contains("native")) family.native = read_native(row.at("native"));
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

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

constexpr std::string_view kPrefix = "claude-";
constexpr std::size_t kDateDigits = 8;  // YYYYMMDD

bool ends_in_date(std::string_view name) {
  constexpr std::size_t kDate = kDateDigits + 1;  // with its dash
  if (name.size() < kDate || name[name.size() - kDate] != '-') return false;
  return is_digits(name.substr(name.size() - kDateDigits));
}

// The parts of a model's name in whatever order: its line and its version, and the date or `latest`
// at its end.
struct Spelling {
  std::string line, version, date;

  // The key in the index of families; empty when this is not the name of a model.
  [[nodiscard]] std::string key() const {
    return line.empty() || version.empty() ? std::string() : line + " " + version;
  }
};

// `name` is the part of an id behind `claude-`. Returns an empty spelling for a name with other
// parts.
Spelling read_spelling(std::string_view name) {
  Spelling spelling;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of("-.@"), name.size());
    const std::string_view part = name.substr(0, end);
    const bool is_last = end == name.size();
    name.remove_prefix(std::min(end + 1, name.size()));
    if (is_last && (part == "latest" || (part.size() == kDateDigits && is_digits(part)))) {
      if (part != "latest") spelling.date = part;
    } else if (is_digits(part) && part.size() <= 2) {
      spelling.version.append(spelling.version.empty() ? "" : "-").append(part);
    } else if (spelling.line.empty() && !part.empty()) {
      spelling.line = part;
    } else {
      return {};
    }
  }
  return spelling;
}

// Removes the maker's name from the front, when it is the provider's.
std::string_view without_maker(std::string_view name) {
  constexpr std::string_view kMaker = "anthropic";
  const auto border = name.find_last_of("/:");
  if (border == std::string_view::npos) return name;
  const std::string_view before = name.substr(0, border);
  const std::string_view maker = before.substr(std::min(before.rfind('/') + 1, before.size()));
  return same_text(maker, kMaker) ? name.substr(border + 1) : name;
}

}  // namespace

std::string_view effort_name(Effort effort) {
  for (const auto& word : kEfforts)
    if (word.kind == effort) return word.text;
  return {};
}

std::string_view strip_context_suffix(std::string_view id) {
  constexpr std::string_view kLongContext = "[1m]";
  if (id.ends_with(kLongContext)) id.remove_suffix(kLongContext.size());
  return id;
}

bool is_retiring(const Life& life, Instant now) {
  constexpr std::chrono::hours kNotice{60 * 24};
  const auto date = instant_of(life.date);
  return life.state != LifeState::kRetired && date && *date - now <= kNotice;
}

std::string_view family_name(std::string_view id) {
  if (!id.starts_with(kPrefix)) return {};
  id.remove_prefix(kPrefix.size());
  id = strip_context_suffix(id);
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
  // A chain that is longer than the table is a cycle: then the id is returned unchanged.
  for (std::size_t steps = 0; steps <= models_.size(); ++steps) {
    const Model* row = find(current);
    if (!row || row->life.state != LifeState::kRetired || row->life.successor.empty())
      return current;
    current = row->life.successor;
  }
  return std::string(id);
}

void ModelTable::index_spelling(std::string_view name, std::size_t family) {
  std::string key = read_spelling(name).key();
  if (!key.empty()) spelling_index_.emplace(std::move(key), family);
}

std::string ModelTable::id_of(std::string_view name) const {
  if (find(name)) return std::string(name);
  const std::string_view bare = without_maker(name);
  std::string plain = lowered(bare);
  if (!plain.starts_with(kPrefix)) return std::string(name);
  if (find(plain)) return plain;
  const Spelling spelling = read_spelling(std::string_view(plain).substr(kPrefix.size()));
  if (spelling.version.empty() && spelling.date.empty())
    if (const Model* newest = newest_of(spelling.line)) return newest->id;
  const auto family = spelling_index_.find(spelling.key());
  if (family == spelling_index_.end()) return std::string(bare);
  for (const Model& model : models_) {
    if (model.family != families_[family->second].name) continue;
    if (spelling.date.empty() || model.id.ends_with(spelling.date)) return model.id;
    for (const std::string& alias : model.aliases)
      if (alias.ends_with(spelling.date)) return alias;
  }
  return std::string(bare);
}

const Model* ModelTable::newest_of(std::string_view line) const {
  for (const Model& model : models_)
    if (model.life.state == LifeState::kActive &&
        families_[family_index_.at(model.family)].line == line)
      return &model;
  return nullptr;
}

const Model* ModelTable::cheaper_successor(const Model& model) const {
  const std::string& line = families_[family_index_.at(model.family)].line;
  for (const Model& newer : models_) {
    if (&newer == &model || !model.prices) return nullptr;
    if (newer.life.state == LifeState::kActive && newer.prices &&
        families_[family_index_.at(newer.family)].line == line &&
        newer.prices->input < model.prices->input && newer.prices->output < model.prices->output)
      return &newer;
  }
  return nullptr;
}

std::string_view ModelTable::released(const Model& model) const {
  for (auto row = static_cast<std::size_t>(&model - models_.data()); row < models_.size(); ++row)
    if (!models_[row].created.empty()) return models_[row].created;
  return {};
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
      table.index_spelling(family.name, at);
      for (const auto& name : family.also) {
        add(table.family_index_, name, at);
        table.index_spelling(name, at);
      }
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
