// What is known of each Claude model: what it can do, what it costs, when it retires. Read from
// data/models.json, whose head explains every field. It refuses to know which model a client asked
// for by a name of the mapping, and what time it is.
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

// In rising order, so that "the nearest lower level" is a comparison.
enum class Effort { kLow, kMedium, kHigh, kXhigh, kMax };

enum class ThinkingState { kNone, kOff, kOn, kAlways };  // kNone: the model does not think
enum class ThinkingOff { kNone, kOmit, kDisabled, kBetweenTools };  // kNone: it cannot be
enum class ManualThinking { kNo, kDeprecated, kYes };               // enabled + budget_tokens
enum class ThinkingDisplay { kNone, kOmitted, kSummarized };
enum class ForcedToolChoice { kNo, kNotWithManual, kYes };
enum class Prefill { kNo, kNotWithThinking, kYes };
enum class PreservedThinking { kNo, kPrefix, kPrefixNotEnforced, kAccount };
enum class NativeSupport { kNo, kYes, kUnknown };

// As the API spells it.
[[nodiscard]] std::string_view effort_name(Effort effort);

struct Thinking {
  ThinkingState standard;  // when a request does not say
  ThinkingOff off;
  std::optional<Effort> off_max_effort{};  // the highest effort while it is off
  ManualThinking manual;
  bool adaptive;
  ThinkingDisplay display;  // when a request does not say
  bool operator==(const Thinking&) const = default;
};

// Which features of the API's own a model takes.
struct Native {
  NativeSupport inline_tools = NativeSupport::kUnknown;  // tools that change in mid-conversation
  NativeSupport mid_effort = NativeSupport::kUnknown;    // an effort that does
  NativeSupport compaction = NativeSupport::kUnknown;    // on demand
  NativeSupport updates = NativeSupport::kUnknown;       // of thinking, before calls
};

// What models of one family can do.
struct Family {
  std::string name;               // as in the id, behind claude-
  std::vector<std::string> also;  // more names
  std::string line;               // opus, sonnet, ...
  std::int64_t context;           // tokens
  std::int64_t max_output;        // tokens
  bool sampling;                  // temperature, top_p, top_k are accepted
  Thinking thinking;
  std::vector<Effort> efforts;              // accepted levels, rising; empty: none
  std::optional<Effort> standard_effort{};  // when a request does not say
  ForcedToolChoice forced_tool_choice;
  Prefill prefill;
  bool structured_outputs;
  bool mid_system;
  PreservedThinking preserved_thinking;
  Native native{};
  std::vector<std::string> uncertain{};  // fields that sources disagree on
};

// US dollars for a million tokens.
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
  std::string date{};       // YYYY-MM-DD on which it retires or retired; may be empty
  std::string successor{};  // the id that the provider names instead; may be empty
};

struct Model {
  std::string id;
  std::vector<std::string> aliases;
  std::string family;
  std::string display_name;
  std::string created;             // YYYY-MM-DD, or empty when nobody says
  std::optional<Prices> prices{};  // of retired ids too: history is priced by them
  std::optional<LongPrompt> long_prompt{};
  Life life;
  std::vector<std::string> uncertain{};
};

// What a client may have written behind an id to choose the long context: `id` without it.
[[nodiscard]] std::string_view strip_context_suffix(std::string_view id);

// True from 60 days before the day that a model retires, for as long as it is not marked retired.
[[nodiscard]] bool is_retiring(const Life& life, Instant now);

// The family name inside a model id: without `claude-`, a `[1m]` or `@...` suffix and a date of
// eight digits. Empty when the id does not begin with `claude-`.
[[nodiscard]] std::string_view family_name(std::string_view id);

// Never changed once it is read, so that workers may share it. Pointers live as long as the table.
class ModelTable {
 public:
  ModelTable(const ModelTable&) = delete;
  ModelTable& operator=(const ModelTable&) = delete;
  ModelTable(ModelTable&&) noexcept = default;
  ModelTable& operator=(ModelTable&&) noexcept = default;

  // The row with exactly this id or alias; nullptr when there is none.
  [[nodiscard]] const Model* find(std::string_view id) const;

  // What the model of that id can do; nullptr when it is not known. An id that merely begins like
  // a known one is unknown: claude-opus-5-9 is not opus-5.
  [[nodiscard]] const Family* family_of(std::string_view id) const;

  // What an unknown id is taken for, until upstream says more.
  [[nodiscard]] const Family* newest_family() const { return &families_[newest_]; }

  // The id to send instead: follows retired rows until one that is not marked retired. All other
  // ids, unknown ones too, come back as they are.
  [[nodiscard]] std::string successor(std::string_view id) const;

  // The id that is meant by a name which is written another way than the provider's: with its
  // maker before it (anthropic/claude-opus-5), with dots (claude-sonnet-4.5), its version first
  // (claude-4.5-sonnet), without the date that the id ends in (claude-sonnet-4) or with `latest`
  // there; a line alone (claude-sonnet) means its newest. All other names come back as they are,
  // the known ids first of all.
  [[nodiscard]] std::string id_of(std::string_view name) const;

  // The newest active model of a line (opus, sonnet, ...); nullptr when there is none.
  [[nodiscard]] const Model* newest_of(std::string_view line) const;

  // A newer active model of the same line that costs less, input and output; nullptr when there is
  // none. `model` is a row of this table.
  [[nodiscard]] const Model* cheaper_successor(const Model& model) const;

  // The date a model came out, YYYY-MM-DD. Where nobody says, that of the next older row: it is no
  // older than that. Empty when nothing is known of those either. `model` is a row of this table.
  [[nodiscard]] std::string_view released(const Model& model) const;

  // In the order of the file: newest first within active, invitation, retired.
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
