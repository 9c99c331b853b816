// The table of Claude models: what each can do, what it costs, when it retires. It is read from
// data/models.json, whose head explains every field. It refuses to know the mapping of names, and
// what time it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/timestamp.hpp"

namespace ccproxy::anthropic {

// In rising order, so that levels can be compared.
enum class Effort { kLow, kMedium, kHigh, kXhigh, kMax };

enum class ThinkingState { kNone, kOff, kOn, kAlways };             // kNone: the model cannot think
enum class ThinkingOff { kNone, kOmit, kDisabled, kBetweenTools };  // kNone: it is always on
enum class ManualThinking { kNo, kDeprecated, kYes };               // "enabled", budget_tokens
enum class ThinkingDisplay { kNone, kOmitted, kSummarized };
enum class ForcedToolChoice { kNo, kNotWithManual, kYes };
enum class Prefill { kNo, kNotWithThinking, kYes };
enum class PreservedThinking { kNo, kPrefix, kPrefixNotEnforced, kAccount };
enum class NativeSupport { kNo, kYes, kUnknown };

// The name in the API.
[[nodiscard]] std::string_view effort_name(Effort effort);

struct Thinking {
  ThinkingState standard;  // the default of a request
  ThinkingOff off;
  std::optional<Effort> off_max_effort{};  // the highest effort without thinking
  ManualThinking manual;
  bool adaptive;
  ThinkingDisplay display;  // the default of a request
  bool operator==(const Thinking&) const = default;
};

// Which native features of the API a model supports.
struct Native {
  NativeSupport inline_tools = NativeSupport::kUnknown;  // tools that change in a conversation
  NativeSupport mid_effort = NativeSupport::kUnknown;    // an effort that changes in one
  NativeSupport compaction = NativeSupport::kUnknown;    // on demand
  NativeSupport updates = NativeSupport::kUnknown;       // of thinking, before calls
};

// What models of one family can do.
struct Family {
  std::string name;               // the part of the id behind "claude-"
  std::vector<std::string> also;  // further names
  std::string line;               // opus, sonnet, ...
  std::int64_t context;           // tokens
  std::int64_t max_output;        // tokens
  bool sampling;                  // temperature, top_p and top_k are accepted
  Thinking thinking;
  std::vector<Effort> efforts;              // the accepted levels in rising order
  std::optional<Effort> standard_effort{};  // the default of a request
  ForcedToolChoice forced_tool_choice;
  Prefill prefill;
  bool structured_outputs;
  bool mid_system;
  PreservedThinking preserved_thinking;
  Native native{};
  std::vector<std::string> uncertain{};  // fields that sources disagree on
};

// In US dollars for a million tokens.
struct Prices {
  double input, output, cache_write_5m, cache_write_1h, cache_read;
};

struct LongPrompt {
  std::int64_t above;  // prompt tokens
  Prices prices;
};

enum class LifeState { kActive, kDeprecated, kInvitation, kRetired };

struct Life {
  LifeState state;
  std::string date{};       // of retirement, YYYY-MM-DD; may be empty
  std::string successor{};  // the id that the provider recommends instead; may be empty
};

struct Model {
  std::string id;
  std::vector<std::string> aliases;
  std::string family;
  std::string display_name;
  std::string created;             // YYYY-MM-DD; empty when unknown
  std::optional<Prices> prices{};  // retired ids have them, too, for the cost of past requests
  std::optional<LongPrompt> long_prompt{};
  Life life;
  std::vector<std::string> uncertain{};
};

// Returns `id` without the suffix with which clients select the long context.
[[nodiscard]] std::string_view strip_context_suffix(std::string_view id);

// True from 60 days before the retirement of a model, until it is marked as retired.
[[nodiscard]] bool is_retiring(const Life& life, Instant now);

// The name of the family in a model id: without `claude-`, a `[1m]` or `@...` suffix and a date of
// eight digits. Empty when the id does not begin with `claude-`.
[[nodiscard]] std::string_view family_name(std::string_view id);

// The table. It is never changed once it is read, so that workers may share it. Pointers to its
// rows are valid as long as the table.
class ModelTable {
 public:
  ModelTable(const ModelTable&) = delete;
  ModelTable& operator=(const ModelTable&) = delete;
  ModelTable(ModelTable&&) noexcept = default;
  ModelTable& operator=(ModelTable&&) noexcept = default;

  // The row with exactly this id or alias; nullptr when there is none.
  [[nodiscard]] const Model* find(std::string_view id) const;

  // The family of the model with this id; nullptr when it is unknown. An id that merely begins like
  // a known one is unknown: claude-opus-5-9 does not belong to opus-5.
  [[nodiscard]] const Family* family_of(std::string_view id) const;

  // The family as which an unknown id is treated, until the upstream describes its model.
  [[nodiscard]] const Family* newest_family() const { return &families_[newest_]; }

  // The id to send instead of a retired one: the first successor that is not retired. All other
  // ids, unknown ones too, are returned unchanged.
  [[nodiscard]] std::string successor(std::string_view id) const;

  // The id for a name in another spelling than the provider's: with the maker before it
  // (anthropic/claude-opus-5), with dots (claude-sonnet-4.5), with the version first
  // (claude-4.5-sonnet), without the date at the end (claude-sonnet-4), or with `latest` in its
  // place. A line alone (claude-sonnet) means its newest model. Known ids and all other names are
  // returned unchanged.
  [[nodiscard]] std::string id_of(std::string_view name) const;

  // The newest active model of a line (opus, sonnet, ...); nullptr when there is none.
  [[nodiscard]] const Model* newest_of(std::string_view line) const;

  // A newer active model of the same line with lower prices for input and output; nullptr when
  // there is none. `model` must be a row of this table.
  [[nodiscard]] const Model* cheaper_successor(const Model& model) const;

  // The release date of a model, YYYY-MM-DD. An unknown date is replaced by that of the next older
  // row, which is a lower bound. Empty when that is unknown, too. `model` must be a row of this
  // table.
  [[nodiscard]] std::string_view released(const Model& model) const;

  // All models in the order of the file: newest first within active, invitation, retired.
  [[nodiscard]] const std::vector<Model>& models() const { return models_; }
  [[nodiscard]] const std::vector<Family>& families() const { return families_; }

 private:
  friend Result<ModelTable> parse_models(std::string_view json);
  using Index = std::map<std::string, std::size_t, std::less<>>;
  ModelTable() = default;
  void index_spelling(std::string_view name, std::size_t family);

  std::vector<Family> families_;
  std::vector<Model> models_;
  Index family_index_, model_index_;
  Index spelling_index_;  // families by line and version: "sonnet 4-5"
  std::size_t newest_ = 0;
};

// Fails with kConfiguration; the message names the row.
[[nodiscard]] Result<ModelTable> parse_models(std::string_view json);

}  // namespace ccproxy::anthropic
