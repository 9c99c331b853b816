// The models that this program offers, as plain entries, and the list of them in Anthropic's shape.
// It refuses to know where the mapping and upstream's own list come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anthropic/models.hpp"
#include "base/error.hpp"
#include "base/function_ref.hpp"

namespace ccproxy::anthropic {

struct ModelEntry {
  std::string id;
  std::vector<std::string> aliases{};
  std::string display_name;
  std::string created_at{};        // RFC 3339, or empty when nobody says
  const Family* family = nullptr;  // of the model table; nullptr: not known
  std::int64_t context = 0;        // tokens; 0: not known
  std::int64_t max_output = 0;     // tokens; 0: not known
  LifeState state = LifeState::kActive;
  std::string retires_at{};     // RFC 3339, when a date is set
  std::string maps_to{};        // for a name of the mapping: what it stands for,
  std::string served_by{};      // and the model that is asked in the end
  std::string upstream_json{};  // upstream's own entry, where it gave one: all its fields
  std::string capabilities{};   // JSON, as upstream told them; of a name: of the model behind it
};

using Mapping = std::vector<std::pair<std::string, std::string>>;  // from, to

// The models of the table that answer everybody, newest first, then the names of `mapping` in its
// order. A pattern (a name with `*`) is no model and is left out; a name that is a model's own id
// stays where that model stands. `served_by` says which id is asked for the target of a mapping.
[[nodiscard]] std::vector<ModelEntry> list_models(
    const ModelTable& table, const Mapping& mapping,
    FunctionRef<std::string(std::string_view)> served_by);

// Lays upstream's own list (the body of GET /v1/models) over the entries: what it names replaces
// the entry of that id or alias in its place, what is new stands where upstream has it. Names of
// the mapping stay, with what upstream says that the model behind them can do. Fails with
// kUpstreamBroke and changes nothing when the body is not such a list.
[[nodiscard]] Result<void> merge_upstream(std::vector<ModelEntry>& entries,
                                          std::string_view upstream, const ModelTable& table);

// The entry with that id or alias; nullptr when there is none.
[[nodiscard]] const ModelEntry* find_entry(std::span<const ModelEntry> entries,
                                           std::string_view id);

// One page, as the query asks for it. An id that is not in the list gives an empty page.
struct Page {
  std::size_t limit = 20;       // 1 to 1000; what is outside counts as the nearer end
  std::string_view after_id{};  // wins over before_id
  std::string_view before_id{};
};

// {"data":[...],"has_more":...,"first_id":...,"last_id":...}
[[nodiscard]] std::string model_list(std::span<const ModelEntry> entries, const Page& page);

// One object of that list: upstream's own where there is one.
[[nodiscard]] std::string model_object(const ModelEntry& entry);

}  // namespace ccproxy::anthropic
