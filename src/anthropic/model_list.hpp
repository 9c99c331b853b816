// The models that this program offers, as plain entries, and the list of them in the format of the
// Messages API. It refuses to know where the mapping and the upstream's list come from.
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
  std::string created_at{};        // RFC 3339; empty when unknown
  const Family* family = nullptr;  // a row of the model table; nullptr when unknown
  std::int64_t context = 0;        // tokens; 0 when unknown
  std::int64_t max_output = 0;     // tokens; 0 when unknown
  LifeState state = LifeState::kActive;
  std::string retires_at{};     // RFC 3339; empty when no date is set
  std::string maps_to{};        // for a mapped name: the target of its mapping
  std::string served_by{};      // for a mapped name: the model to which requests are sent
  std::string upstream_json{};  // the upstream's own entry with all its fields, where it has one
  std::string capabilities{};   // the upstream's JSON; for a mapped name that of `served_by`
};

using Mapping = std::vector<std::pair<std::string, std::string>>;  // from, to

// Returns the models of the table that are available to everyone, newest first, then the names of
// `mapping` in its order. Patterns (names with `*`) are left out. A name that is also the id of a
// model replaces the entry of that model in its place. `served_by` returns the id to which requests
// for a mapping's target are sent.
[[nodiscard]] std::vector<ModelEntry> list_models(
    const ModelTable& table, const Mapping& mapping,
    FunctionRef<std::string(std::string_view)> served_by);

// Merges the upstream's list, the body of GET /v1/models, into `entries`: a known model replaces
// the entry with its id or alias, a new one is inserted in the upstream's order. Mapped names stay,
// and get the capabilities of the model that serves them. Fails with kUpstreamBroke and changes
// nothing when `upstream` is not such a list.
[[nodiscard]] Result<void> merge_upstream(std::vector<ModelEntry>& entries,
                                          std::string_view upstream, const ModelTable& table);

// The entry with that id or alias; nullptr when there is none.
[[nodiscard]] const ModelEntry* find_entry(std::span<const ModelEntry> entries,
                                           std::string_view id);

// The parameters of the query that select a page. An id that is not in the list selects an empty
// page.
struct Page {
  std::size_t limit = 20;       // clamped to 1 to 1000
  std::string_view after_id{};  // takes precedence over before_id
  std::string_view before_id{};
};

// Writes {"data":[...],"has_more":...,"first_id":...,"last_id":...}.
[[nodiscard]] std::string model_list(std::span<const ModelEntry> entries, const Page& page);

// Writes one element of that list: the upstream's own entry where there is one.
[[nodiscard]] std::string model_object(const ModelEntry& entry);

}  // namespace ccproxy::anthropic
